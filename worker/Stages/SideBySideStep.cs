using System.Diagnostics;
using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Runs a step's micro-batches on a stage that is the whole model: slots side by side, on the stage's lanes.</summary>
/// <remarks>
/// Compute thread only; the lanes do the work. Inside a slot gradients are added micro-batch after micro-batch by one lane, and finished slots go to <paramref name="slotDone"/> in order: how many lanes there
/// are changes no bit.
/// </remarks>
/// <param name="assets">The stage.</param>
/// <param name="generation">Which replica it is.</param>
/// <param name="activity">Told what is done.</param>
/// <param name="gradients">Buffers of slots.</param>
/// <param name="slotDone">Takes a finished slot's buffer over.</param>
internal sealed class SideBySideStep(StageAssets assets, StageGeneration generation, StageActivity activity, GradientPool gradients, Action<Subtree, torch.Tensor> slotDone)
{
    /// <summary>Runs all of this replica's micro-batches: their losses.</summary>
    public IReadOnlyList<MicroBatchLoss> Run(Step step, SlotRule slots, PhaseClock clock, CancellationToken cancellationToken)
    {
        var mine = slots.MicroBatchesOf((int)generation.Place.Replica, generation.NumReplicas);
        int[][] bySlot = [.. mine.GroupBy(slots.SlotOf).Select(slot => slot.ToArray())];
        var results = new SlotResult[bySlot.Length];
        var losses = new List<MicroBatchLoss>();
        try
        {
            clock.Share(StepPhase.Forward, StepPhase.Backward, () =>
            {
                assets.Lanes.Run(
                    bySlot.Length,
                    item => RunSlot(step, bySlot[item], results[item] = new SlotResult(gradients.Rent()), cancellationToken),
                    item =>
                    {
                        losses.AddRange(results[item].Losses);
                        clock.In(StepPhase.Reduce, () => slotDone(new Subtree(slots.SlotOf(bySlot[item][0]), 1), results[item].TakeSum()!));
                    });
                return results.Sum(result => result.Forward.TotalSeconds) / Math.Max(double.Epsilon, results.Sum(result => (result.Forward + result.Backward).TotalSeconds));
            });
        }
        finally
        {
            // Left only when the step is abandoned.
            foreach (var result in results)
            {
                if (result?.TakeSum() is { } sum)
                    gradients.Return(sum);
            }
        }

        assets.Counters.Ran(step.Number, mine.Count);
        return losses;
    }

    private void RunSlot(Step step, int[] microBatches, SlotResult result, CancellationToken cancellationToken)
    {
        foreach (var microBatch in microBatches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var tokens = assets.Train!.Read(step.MicroBatches[microBatch]);
            activity.Does($"step {step.Number}: forward of micro-batch {microBatch}");
            using var run = assets.Model.BeginTraining(tokens, step.Number, (uint)microBatch, (float)(1.0 / step.LabelTokens));
            var start = Stopwatch.GetTimestamp();
            run.Forward(null)?.Dispose();
            result.Losses.Add(StepPipeline.LossOf(step, microBatch, tokens, run));
            result.Forward += Stopwatch.GetElapsedTime(start);
            activity.Does($"step {step.Number}: backward of micro-batch {microBatch}");
            start = Stopwatch.GetTimestamp();
            run.Backward(null, result.Sum)?.Dispose();
            result.Backward += Stopwatch.GetElapsedTime(start);
        }
    }

    private sealed class SlotResult(torch.Tensor sum)
    {
        private torch.Tensor? _sum = sum;

        public torch.Tensor Sum => _sum ?? throw new InvalidOperationException("The slot's sum was handed over.");

        public List<MicroBatchLoss> Losses { get; } = [];

        public TimeSpan Forward { get; set; }

        public TimeSpan Backward { get; set; }

        public torch.Tensor? TakeSum()
        {
            var taken = _sum;
            _sum = null;
            return taken;
        }
    }
}
