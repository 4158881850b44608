using Orchestrator.Protos;
using Orchestrator.Protos.Steps;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Runs a step's forwards and backwards of one stage of several along its schedule.</summary>
/// <remarks>Compute thread only. A micro-batch's gradient goes into its slot's buffer; finished slots go to <paramref name="slotDone"/> in order.</remarks>
/// <param name="assets">The stage.</param>
/// <param name="generation">Its neighbours.</param>
/// <param name="mail">Residual streams to and from them.</param>
/// <param name="activity">Told what is done.</param>
/// <param name="gradients">Buffers of slots.</param>
/// <param name="slotDone">Takes a finished slot's buffer over.</param>
internal sealed class StepPipeline(
    StageAssets assets, StageGeneration generation, StageMail mail, StageActivity activity, GradientPool gradients, Action<Subtree, torch.Tensor> slotDone)
{
    private readonly Dictionary<int, (StageRun Run, int Tokens)> _open = [];
    private torch.Tensor? _slot;

    /// <summary>Runs all of this replica's micro-batches; on a last stage their losses.</summary>
    public IReadOnlyList<MicroBatchLoss> Run(Step step, SlotRule slots, PhaseClock clock, CancellationToken cancellationToken)
    {
        var mine = slots.MicroBatchesOf((int)generation.Place.Replica, generation.NumReplicas);
        var losses = new List<MicroBatchLoss>();
        try
        {
            foreach (var action in PipelineSchedule.OneForwardOneBackward((int)generation.Place.Stage, generation.NumStages, mine.Count))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var microBatch = mine[action.MicroBatch];
                if (action.IsForward)
                    Forward(step, microBatch, losses, clock, cancellationToken);
                else
                    Backward(step, microBatch, slots, clock, cancellationToken);
            }
        }
        finally
        {
            // Left only when the step is abandoned.
            foreach (var (run, _) in _open.Values)
                run.Dispose();
            _open.Clear();
            _slot?.Dispose();
            _slot = null;
        }

        assets.Counters.Ran(step.Number, mine.Count);
        return losses;
    }

    private void Forward(Step step, int microBatch, List<MicroBatchLoss> losses, PhaseClock clock, CancellationToken cancellationToken)
    {
        var tokens = assets.Train!.Read(step.MicroBatches[microBatch]);
        using var input = assets.IsFirstStage ? null : mail.Take(clock, step.Number, generation.RankBefore, TensorKind.Activation, microBatch, tokens.Tokens, cancellationToken);
        activity.Does($"step {step.Number}: forward of micro-batch {microBatch}");
        var run = assets.Model.BeginTraining(tokens, step.Number, (uint)microBatch, (float)(1.0 / step.LabelTokens));
        _open.Add(microBatch, (run, tokens.Tokens));
        using var output = clock.In(StepPhase.Forward, () => run.Forward(input));
        if (output is not null)
            mail.Send(step.Number, generation.RankAfter, TensorKind.Activation, microBatch, output);
        else
            losses.Add(LossOf(step, microBatch, tokens, run));
    }

    /// <summary>What a micro-batch's forward came to.</summary>
    internal static MicroBatchLoss LossOf(Step step, int microBatch, MicroBatchTokens tokens, StageRun run) => new()
    {
        MicroBatch = (uint)microBatch,
        LossSum = run.LossSum,
        LabelTokens = run.LabelTokens,
        Samples = SampleHash.Of(step.Number, (uint)microBatch, tokens.Samples),
    };

    private void Backward(Step step, int microBatch, SlotRule slots, PhaseClock clock, CancellationToken cancellationToken)
    {
        var (run, tokens) = _open[microBatch];
        using var gradient = assets.IsLastStage
            ? null
            : mail.Take(clock, step.Number, generation.RankAfter, TensorKind.ActivationGradient, microBatch, tokens, cancellationToken);
        activity.Does($"step {step.Number}: backward of micro-batch {microBatch}");
        _slot ??= gradients.Rent();
        using var inputGradient = clock.In(StepPhase.Backward, () => run.Backward(gradient, _slot));
        if (!assets.IsFirstStage)
            mail.Send(step.Number, generation.RankBefore, TensorKind.ActivationGradient, microBatch, inputGradient!);
        _open.Remove(microBatch);
        run.Dispose();
        if (!slots.EndsSlot(microBatch))
            return;
        var finished = _slot;
        _slot = null;
        clock.In(StepPhase.Reduce, () => slotDone(new Subtree(slots.SlotOf(microBatch), 1), finished));
    }
}
