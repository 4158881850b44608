using System.Runtime.InteropServices;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>The largest tensor of each kind that a job's peers may declare: checked before a byte is allocated.</summary>
/// <param name="ActivationBytes">One micro-batch's residual stream.</param>
/// <param name="GradientBytes">The stage's flat adapter gradient.</param>
/// <param name="StateBytes">The whole job's adapter and optimizer state: no layer's is larger. What is mirrored here has its own limit, see <see cref="IMirrorKeeper"/>.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TransferLimits(ulong ActivationBytes, ulong GradientBytes, ulong StateBytes = 0)
{
    /// <summary>The limit of a kind; null for a kind that nobody sends.</summary>
    public ulong? Of(TensorKind kind) => kind switch
    {
        TensorKind.Activation or TensorKind.ActivationGradient or TensorKind.EvaluationActivation => ActivationBytes,
        TensorKind.PartialGradient or TensorKind.ReducedGradient => GradientBytes,
        TensorKind.EvaluationCredit => 1,
        TensorKind.State => StateBytes,
        _ => null,
    };
}
