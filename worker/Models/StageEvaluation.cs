using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>What a forward-only pass of one micro-batch gives.</summary>
/// <param name="ResidualOut">[tokens, hidden] for the next stage, the caller's to dispose; null on a head stage.</param>
/// <param name="Samples">The samples' losses in the micro-batch's order on a head stage; empty on the others.</param>
internal sealed record StageEvaluation(torch.Tensor? ResidualOut, IReadOnlyList<SampleEvaluation> Samples);
