using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>One decoder layer of the Llama family: x + o(attention(qkv(norm(x)))), then x + down(silu(gate) * up of norm(x)).</summary>
/// <remarks>
/// Its backward is written out, for a graph of the library costs more than the operations of a small layer; nothing here may be recorded, so callers switch gradients off.
/// Owns its weights. One thread a micro-batch.
/// </remarks>
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
    public torch.Tensor Forward(torch.Tensor x, PassContext pass) => Forward(x, pass, keep: false).Output;

    /// <summary>The same, with what the backward reads, which the caller disposes.</summary>
    public (torch.Tensor Output, KeptTensors Kept) ForwardKeeping(torch.Tensor x, PassContext pass)
    {
        var (output, kept) = Forward(x, pass, keep: true);
        return (output, kept!);
    }

    /// <summary>Adds the adapters' gradients to the pass's flat buffer; gives the gradient of x, or null if nothing reads it.</summary>
    /// <param name="x">[tokens, hidden], the forward's input.</param>
    /// <param name="kept">What the forward kept; freed on the way.</param>
    /// <param name="gradient">[tokens, hidden], of the output.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="inputGradientNeeded">Whether the result is read.</param>
    public torch.Tensor? Backward(torch.Tensor x, KeptTensors kept, torch.Tensor gradient, PassContext pass, bool inputGradientNeeded)
    {
        using var clock = KernelProfile.Measure(KernelPhase.LayerBackward);
        using var scope = torch.NewDisposeScope();
        var middleGradient = Plus(MlpBackward(kept, gradient, pass), gradient);
        using var attendedGradient = _attentionOutput.Backward(kept.Attended, middleGradient, pass, inputGradientNeeded: true)!;
        kept.Attended.Dispose();
        using var projectedGradient = _attention.Backward(kept.Heads, attendedGradient, pass);
        kept.Heads.ForEach(heads => heads.Dispose());
        using var normedGradient = _attentionInput.Backward(kept.Normed, projectedGradient, pass, inputGradientNeeded);
        return normedGradient is null ? null : Plus(_inputNorm.Backward(x, normedGradient), middleGradient).MoveToOuterDisposeScope();
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

    private (torch.Tensor Output, KeptTensors? Kept) Forward(torch.Tensor x, PassContext pass, bool keep)
    {
        using var clock = KernelProfile.Measure(KernelPhase.LayerForward);
        using var scope = torch.NewDisposeScope();
        var normed = _inputNorm.Forward(x);
        var projected = _attentionInput.Forward(normed, pass);
        var heads = _attention.Keep(projected, pass);
        if (!ReferenceEquals(heads[0], projected))
        {
            projected.Dispose();
        }

        var attended = _attention.Forward(heads, pass);
        var middle = Plus(_attentionOutput.Forward(attended, pass), x);
        var middleNormed = _mlpNorm.Forward(middle);
        var gateUp = _gateUp.Forward(middleNormed, pass);
        var activated = Activate(gateUp);
        var output = Plus(_down.Forward(activated, pass), middle).MoveToOuterDisposeScope();
        var kept = !keep
            ? null
            : new KeptTensors { Normed = normed, Heads = heads, Attended = attended, Middle = middle, MiddleNormed = middleNormed, GateUp = gateUp, Activated = activated }.Detached();
        return (output, kept);
    }

    /// <summary>The gradient of what the MLP's norm reads; the caller's scope owns it.</summary>
    private torch.Tensor MlpBackward(KeptTensors kept, torch.Tensor gradient, PassContext pass)
    {
        using var scope = torch.NewDisposeScope();
        var activatedGradient = _down.Backward(kept.Activated, gradient, pass, inputGradientNeeded: true)!;
        kept.Activated.Dispose();
        var gateUpGradient = ActivateBackward(kept.GateUp, activatedGradient);
        activatedGradient.Dispose();
        kept.GateUp.Dispose();
        var normedGradient = _gateUp.Backward(kept.MiddleNormed, gateUpGradient, pass, inputGradientNeeded: true)!;
        gateUpGradient.Dispose();
        kept.MiddleNormed.Dispose();
        return _mlpNorm.Backward(kept.Middle, normedGradient).MoveToOuterDisposeScope();
    }

    private torch.Tensor Activate(torch.Tensor gateUp)
    {
        using var clock = KernelProfile.Measure(KernelPhase.SwiGlu);
        return _operations.SwiGlu(gateUp);
    }

    private torch.Tensor ActivateBackward(torch.Tensor gateUp, torch.Tensor gradient)
    {
        using var clock = KernelProfile.Measure(KernelPhase.SwiGlu);
        return _operations.SwiGluBackward(gateUp, gradient);
    }

    private torch.Tensor Plus(torch.Tensor branch, torch.Tensor residual)
    {
        using var clock = KernelProfile.Measure(KernelPhase.ResidualSums);
        _operations.Add(branch, residual);
        return branch;
    }
}
