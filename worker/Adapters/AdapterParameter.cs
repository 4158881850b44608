using Orchestrator.Protos;

namespace Orchestrator.Worker.Adapters;

/// <summary>One LoRA matrix in the flat buffer of its stage.</summary>
/// <param name="Module">The adapted linear layer.</param>
/// <param name="IsA">lora_A [r, in], else lora_B [out, r].</param>
/// <param name="Offset">First element in the flat buffer; a multiple of 16 elements (64 bytes).</param>
/// <param name="Length">Elements.</param>
/// <param name="Shape">Rows and columns.</param>
/// <param name="FirstChunk">Index of its first chunk in the job's order.</param>
internal sealed record AdapterParameter(AdapterModule Module, bool IsA, long Offset, long Length, IReadOnlyList<long> Shape, uint FirstChunk)
{
    /// <summary>The state-dict key within the model, e.g. "model.layers.0.self_attn.q_proj.lora_A.weight".</summary>
    public string Name => $"{Module.Module}.lora_{(IsA ? 'A' : 'B')}.weight";
}
