using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>How the frozen base is held.</summary>
internal sealed record QuantizationSettings
{
    public required QuantizationType Type { get; init; }
    public required int BlockSize { get; init; }
    public required bool DoubleQuant { get; init; }

    /// <summary>The compute and residual type; Unspecified: <c>auto</c>, resolved when the job is first placed.</summary>
    public required DType ComputeDtype { get; init; }

    public required ValueList<string> SkipModules { get; init; }
}
