using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>One LoRA parameter to be written.</summary>
/// <param name="Module">The adapted module, e.g. <c>model.layers.3.self_attn.q_proj</c>.</param>
/// <param name="IsA">lora_A [r, in], else lora_B [out, r].</param>
/// <param name="DType">Element type; training writes F32.</param>
/// <param name="Shape">Two sizes.</param>
/// <param name="CopyTo">Writes exactly the parameter's bytes, little-endian and row-major.</param>
internal sealed record AdapterTensor(string Module, bool IsA, DType DType, IReadOnlyList<ulong> Shape, Action<Stream> CopyTo);
