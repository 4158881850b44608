using Orchestrator.Protos;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Residual streams to and from the neighbours of a stage, with every wait accounted and named.</summary>
/// <remarks>Compute thread only.</remarks>
internal sealed class StageMail(StageAssets assets, StageGeneration generation, StageActivity activity)
{
    private DType DType => assets.Spec.Constants.ComputeDtype;

    /// <summary>Waits for a neighbour's tensor of a micro-batch; the result is the caller's to dispose.</summary>
    public torch.Tensor Take(PhaseClock clock, ulong step, uint sender, TensorKind kind, int microBatch, int tokens, CancellationToken cancellationToken)
    {
        using var received = clock.In(StepPhase.Wait, () =>
        {
            activity.WaitsFor(WaitText(step, sender, $"{NameOf(kind)} of micro-batch {microBatch}"));
            return generation.Tensors.Take(generation.Key(step, sender, kind, microBatch), cancellationToken);
        });
        activity.Does($"step {step}: {NameOf(kind)} of micro-batch {microBatch}");
        return ResidualTensors.ToTensor(received, DType, tokens, assets.Spec.Model.HiddenSize, assets.Device);
    }

    /// <summary>Sends a copy of a tensor; it stays the caller's.</summary>
    public void Send(ulong step, uint receiver, TensorKind kind, int microBatch, torch.Tensor tensor) =>
        generation.Link.Send(receiver, generation.Key(step, generation.Rank, kind, microBatch), DType, ResidualTensors.ToBuffer(tensor, DType));

    /// <summary>Who is waited for and what of it, e.g. "step 812: waits for worker-3, stage 2, backward of micro-batch 5".</summary>
    public string WaitText(ulong step, uint rank, string what) =>
        $"step {step}: waits for {generation.WorkerIds[(int)rank]}, stage {rank % generation.NumStages}, {what}";

    private static string NameOf(TensorKind kind) => kind switch
    {
        TensorKind.ActivationGradient => "backward",
        TensorKind.EvaluationActivation => "evaluation",
        _ => "forward",
    };
}
