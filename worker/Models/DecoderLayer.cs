using Orchestrator.Worker.Kernels;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>One decoder layer of the Llama family: x + o(attention(qkv(norm(x)))), then x + down(silu(gate) * up of norm(x)).</summary>
/// <remarks>Builds the graph of its own island; whoever calls makes the input a leaf. Owns its weights. Compute thread only.</remarks>
internal sealed class DecoderLayer : IDisposable
{
    private readonly RmsNorm _inputNorm;
    private readonly ProjectionGroup _attentionInput;
    private readonly CausalAttention _attention;
    private readonly ProjectionGroup _attentionOutput;
    private readonly RmsNorm _mlpNorm;
    private readonly ProjectionGroup _gateUp;
    private readonly ProjectionGroup _down;
    private readonly FusedOperations _operations;

    public DecoderLayer(DecoderLayerParts parts, FusedOperations operations)
    {
        _inputNorm = parts.InputNorm;
        _attentionInput = parts.AttentionInput;
        _attention = parts.Attention;
        _attentionOutput = parts.AttentionOutput;
        _mlpNorm = parts.MlpNorm;
        _gateUp = parts.GateUp;
        _down = parts.Down;
        _operations = operations;
    }

    /// <summary>Bytes of the layer's weights.</summary>
    public long Bytes => _inputNorm.Bytes + _mlpNorm.Bytes + _attentionInput.Bytes + _attentionOutput.Bytes + _gateUp.Bytes + _down.Bytes;

    /// <summary>[tokens, hidden] to [tokens, hidden]; the caller's scope owns the result.</summary>
    public torch.Tensor Forward(torch.Tensor x, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.GraphForward);
        using var scope = torch.NewDisposeScope();
        var projected = ProjectionFunction.Apply(RmsNormFunction.Apply(x, _inputNorm, pass, entry: true), _attentionInput, pass, entry: true);
        var middle = Plus(ProjectionFunction.Apply(AttentionFunction.Apply(projected, _attention, pass), _attentionOutput, pass, entry: false), x);
        projected.Dispose();
        var gateUp = ProjectionFunction.Apply(RmsNormFunction.Apply(middle, _mlpNorm, pass, entry: false), _gateUp, pass, entry: false);
        return Plus(ProjectionFunction.Apply(SwiGluFunction.Apply(gateUp, _operations, pass), _down, pass, entry: false), middle).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _inputNorm.Dispose();
        _attentionInput.Dispose();
        _attentionOutput.Dispose();
        _mlpNorm.Dispose();
        _gateUp.Dispose();
        _down.Dispose();
    }

    private static torch.Tensor Plus(torch.Tensor branch, torch.Tensor residual)
    {
        using var clock = KernelProfile.Measure(KernelPhase.ResidualSums);
        return branch.Add(residual);
    }
}
