using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>One linear layer of a projection group.</summary>
/// <param name="Weight">[out, in].</param>
/// <param name="Bias">[out] in the compute dtype, or null.</param>
/// <param name="Lora">The adapter, or null.</param>
internal sealed record ProjectionPart(FrozenWeight Weight, Tensor? Bias, LoraPair? Lora);
