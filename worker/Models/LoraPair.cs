using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The low-rank pair of one adapted linear layer: y += scale * (dropout(x) A^T) B^T.</summary>
/// <remarks>A [rank, in] and B [out, rank] are fp32 views of the stage's adapter state, which owns them. Compute thread only.</remarks>
internal sealed class LoraPair
{
    private readonly Tensor _a;
    private readonly Tensor _b;
    private readonly AdapterParameter _placeA;
    private readonly AdapterParameter _placeB;
    private readonly float _scale;
    private readonly AdapterDropout? _dropout;

    public LoraPair(AdapterState state, AdapterModule module, AdapterDropout? dropout)
    {
        (_a, _b) = (state.A(module.Index), state.B(module.Index));
        (_placeA, _placeB) = (state.Layout[module.Index, true], state.Layout[module.Index, false]);
        (_scale, _dropout) = ((float)module.Scale, dropout);
    }

    /// <summary>Adds the pair's output.</summary>
    /// <param name="x">[tokens, in], the layer's input.</param>
    /// <param name="output">[tokens, out], a column range of the projection, changed in place.</param>
    /// <param name="pass">The pass.</param>
    public void AddForward(Tensor x, Tensor output, PassContext pass)
    {
        using var clock = PhaseClock.Measure(Phase.Lora);
        using var scope = NewDisposeScope();
        var hidden = mm(Dropped(x, pass), _a.to_type(x.dtype).t());
        output.addmm_(hidden, _b.to_type(x.dtype).t(), 1f, _scale);
    }

    /// <summary>Adds the gradients of A and B to the flat buffer and the gradient of x to <paramref name="inputGradient"/>.</summary>
    /// <param name="x">[tokens, in], the layer's input.</param>
    /// <param name="gradient">[tokens, out], gradient of the layer's output.</param>
    /// <param name="inputGradient">[tokens, in], changed in place; null if nothing reads it.</param>
    /// <param name="pass">The pass.</param>
    public void AddBackward(Tensor x, Tensor gradient, Tensor? inputGradient, PassContext pass)
    {
        using var clock = PhaseClock.Measure(Phase.Lora);
        using var scope = NewDisposeScope();
        var flat = pass.FlatGradient ?? throw new InvalidOperationException("A backward ran without a gradient buffer.");
        var a = _a.to_type(x.dtype);
        var dropped = Dropped(x, pass);
        var hidden = mm(dropped, a.t()).mul_(_scale);
        AdapterState.ViewOf(flat, _placeB).add_(mm(gradient.t(), hidden));
        var hiddenGradient = mm(gradient, _b.to_type(x.dtype)).mul_(_scale);
        AdapterState.ViewOf(flat, _placeA).add_(mm(hiddenGradient.t(), dropped));
        if (inputGradient is null)
        {
            return;
        }

        if (_dropout is null || !pass.Training)
        {
            inputGradient.addmm_(hiddenGradient, a, 1f, 1f);
        }
        else
        {
            inputGradient.add_(_dropout.Apply(mm(hiddenGradient, a), pass));
        }
    }

    private Tensor Dropped(Tensor x, PassContext pass) => _dropout is null || !pass.Training ? x : _dropout.Apply(x, pass);
}
