using Orchestrator.Protos;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Stages;

/// <summary>Runs the evaluation split forward: micro-batch i is replica i mod R's.</summary>
/// <remarks>
/// Compute thread only; a stage that is the whole model evaluates micro-batches side by side. One of several runs at most <see cref="MostAhead"/> micro-batches ahead of the next one: that one answers every activation that it takes
/// with a credit. Each sample's loss is its own fp64 sum, so who ran it changes nothing.
/// </remarks>
internal sealed class EvaluationPass(StageAssets assets, StageGeneration generation, StageMail mail, StageActivity activity)
{
    /// <summary>Activations that may wait at the next stage.</summary>
    public const int MostAhead = 4;

    private readonly PhaseClock _clock = new();

    /// <summary>The losses of this replica's samples on a last stage; nothing on the others.</summary>
    public IReadOnlyList<SampleLoss> Run(ulong step, IReadOnlyList<MicroBatch> evaluation, CancellationToken cancellationToken)
    {
        int[] mine = [.. Enumerable.Range(0, evaluation.Count).Where(i => i % generation.NumReplicas == generation.Place.Replica)];
        var losses = new List<SampleLoss>();
        if (generation.NumStages == 1)
        {
            var evaluated = new StageEvaluation[mine.Length];
            assets.Lanes.Run(mine.Length, i => evaluated[i] = Forward(step, mine[i], evaluation[mine[i]], cancellationToken), i => losses.AddRange(LossesOf(evaluated[i])));
            return losses;
        }

        for (var i = 0; i < mine.Length; i++)
        {
            var evaluated = Forward(step, mine[i], evaluation[mine[i]], cancellationToken);
            losses.AddRange(LossesOf(evaluated));
            if (evaluated.ResidualOut is { } output)
            {
                using (output)
                    Send(step, mine, i, output, cancellationToken);
            }
        }

        return losses;
    }

    private static IEnumerable<SampleLoss> LossesOf(StageEvaluation evaluated) =>
        evaluated.Samples.Select(sample => new SampleLoss { Sample = sample.Sample, LossSum = sample.LossSum, LabelTokens = sample.LabelTokens });

    private StageEvaluation Forward(ulong step, int index, MicroBatch microBatch, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var tokens = (assets.Evaluation ?? throw new InvalidOperationException("an evaluation was asked for, but there is no evaluation split")).Read(microBatch);
        using var input = assets.IsFirstStage
            ? null
            : mail.Take(_clock, step, generation.RankBefore, TensorKind.EvaluationActivation, index, tokens.Tokens, cancellationToken);
        if (!assets.IsFirstStage)
            generation.Link.Send(generation.RankBefore, generation.Key(step, generation.Rank, TensorKind.EvaluationCredit, index), DType.U8, new TensorBuffer(0));
        activity.Does($"step {step}: evaluation of micro-batch {index}");
        return assets.Model.Evaluate(tokens, input);
    }

    private void Send(ulong step, int[] mine, int i, TorchSharp.torch.Tensor output, CancellationToken cancellationToken)
    {
        if (i >= MostAhead)
        {
            var awaited = mine[i - MostAhead];
            activity.WaitsFor(mail.WaitText(step, generation.RankAfter, $"evaluation of micro-batch {awaited}"));
            generation.Tensors.Take(generation.Key(step, generation.RankAfter, TensorKind.EvaluationCredit, awaited), cancellationToken).Dispose();
        }

        mail.Send(step, generation.RankAfter, TensorKind.EvaluationActivation, mine[i], output);
    }
}
