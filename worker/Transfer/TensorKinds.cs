using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>What a tensor's kind says of it.</summary>
internal static class TensorKinds
{
    /// <summary>Whether a step or an evaluation needs it: only such bytes are accounted for, on both sides. Mirrored and handed-over states travel beside the steps, and when is nobody's to say.</summary>
    public static bool BelongsToAStep(this TensorKind kind) => kind is not (TensorKind.State or TensorKind.Mirror);
}
