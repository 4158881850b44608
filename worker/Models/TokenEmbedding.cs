using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>The embedding table [vocabulary, hidden]; gives rows in the compute dtype.</summary>
/// <remarks>The table may be the head's too (a tied model): the stage owns it.</remarks>
internal sealed class TokenEmbedding(torch.Tensor table, torch.ScalarType dtype)
{
    /// <summary>[tokens, hidden].</summary>
    public torch.Tensor Forward(int[] inputIds)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Embedding);
        using var scope = torch.NewDisposeScope();
        var index = torch.tensor(inputIds, device: table.device);
        return table.index_select(0, index).to_type(dtype).MoveToOuterDisposeScope();
    }
}
