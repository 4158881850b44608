using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>One micro-batch on its way through a stage: one forward, then one backward, then disposed.</summary>
/// <remarks>
/// One thread at a time. Tensors given in stay the caller's, who may dispose his handles at once but must not write to their memory before the run is disposed; tensors given out are the
/// caller's to dispose and belong to no dispose scope of the run. Runs that add to one buffer go backward in micro-batch order.
/// </remarks>
internal sealed class StageRun : IDisposable
{
    private readonly AdapterState _adapter;
    private readonly int _threads;
    private readonly PartRun[] _parts;

    internal StageRun(StageModel model, AdapterState adapter, MicroBatchTokens batch, ulong step, uint microBatch, float lossScale)
    {
        (_adapter, _threads) = (adapter, model.ThreadsAMicroBatch);
        var parts = batch.Parts();
        _parts = new PartRun[parts.Count];
        var first = 0;
        for (var i = 0; i < _parts.Length; i++)
        {
            _parts[i] = new PartRun(model, new PassContext(parts[i], step, microBatch, first, training: true), lossScale);
            first += parts[i].Tokens;
        }
    }

    /// <summary>Sum of the micro-batch's token cross-entropies in fp64, after the forward of a head stage.</summary>
    public double LossSum => _parts.Sum(part => part.LossSum);

    /// <summary>Labels that were predicted, after the forward of a head stage.</summary>
    public ulong LabelTokens => _parts.Aggregate(0UL, (sum, part) => sum + part.LabelTokens);

    /// <summary>Bytes kept for backward by the forwards of this run; 0 with full recomputation, which keeps the layers' inputs only.</summary>
    public long SavedBytes => _parts.Sum(part => part.SavedBytes);

    /// <summary>Runs the stage forward.</summary>
    /// <param name="residualIn">[tokens, hidden] in the compute dtype; null on an embedding stage.</param>
    /// <returns>[tokens, hidden] for the next stage; null on a head stage.</returns>
    public Tensor? Forward(Tensor? residualIn) => Each(residualIn, (part, input) => part.Forward(input));

    /// <summary>Runs the stage backward and adds this micro-batch's adapter gradient.</summary>
    /// <param name="residualGradient">[tokens, hidden], the gradient of what <see cref="Forward"/> returned; null on a head stage.</param>
    /// <param name="flatGradient">A buffer of <see cref="AdapterState.NewGradient"/>, added to in place.</param>
    /// <returns>[tokens, hidden], the gradient of the forward's input; null on an embedding stage.</returns>
    public Tensor? Backward(Tensor? residualGradient, Tensor flatGradient)
    {
        if (flatGradient.dtype != _adapter.SumType || flatGradient.numel() != _adapter.Layout.NumElements)
        {
            throw new ArgumentException("The gradient buffer is not the adapter's.", nameof(flatGradient));
        }

        return Each(residualGradient, (part, gradient) => part.Backward(gradient, flatGradient));
    }

    public void Dispose()
    {
        foreach (var part in _parts)
        {
            part.Dispose();
        }
    }

    private Tensor? Each(Tensor? whole, Func<PartRun, Tensor?, Tensor?> run)
    {
        using var team = ThreadTeam.Of(_threads);
        using var scope = NewDisposeScope();
        var results = new List<Tensor>();
        var start = 0;
        foreach (var part in _parts)
        {
            if (run(part, whole?.narrow(0, start, part.Tokens)) is { } result)
            {
                results.Add(result);
            }

            start += part.Tokens;
        }

        return results.Count switch
        {
            0 => null,
            1 => results[0].DetachFromDisposeScope(),
            _ => cat(results, 0).DetachFromDisposeScope(),
        };
    }

    /// <summary>The samples of a micro-batch that share products.</summary>
    private sealed class PartRun : IDisposable
    {
        private readonly StageModel _model;
        private readonly PassContext _pass;
        private readonly float _lossScale;
        private readonly bool _recompute;
        private readonly Tensor?[] _inputs;
        private readonly KeptTensors?[] _kept;
        private Tensor? _headGradient;

        public PartRun(StageModel model, PassContext pass, float lossScale)
        {
            (_model, _pass, _lossScale) = (model, pass, lossScale);
            _recompute = model.Spec.Recompute == Protos.Recompute.Full;
            _inputs = new Tensor?[model.Layers.Count];
            _kept = new KeptTensors?[model.Layers.Count];
        }

        public int Tokens => _pass.Part.Tokens;

        public long SavedBytes { get; private set; }

        public double LossSum { get; private set; }

        public ulong LabelTokens { get; private set; }

        public Tensor? Forward(Tensor? residualIn)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            _pass.Angles = _model.Rotary.AnglesOf(_pass.Part.Lengths, _pass.Rows);
            var x = _model.FirstInput(_pass, residualIn);
            for (var i = 0; i < _inputs.Length; i++)
            {
                // A handle of the run's own: the first layer may read the caller's.
                var input = x.detach().DetachFromDisposeScope();
                _inputs[i] = input;
                x.Dispose();
                x = RunLayer(i, input);
            }

            _pass.Angles = null;
            if (_model.Head is null)
            {
                return RowPadding.Cut(x, Tokens).MoveToOuterDisposeScope();
            }

            var loss = _model.Head.Train(x, _pass.Part, _lossScale);
            (_headGradient, LossSum, LabelTokens) = (loss.Gradient.DetachFromDisposeScope(), loss.LossSum, loss.LabelTokens);
            return null;
        }

        public Tensor? Backward(Tensor? residualGradient, Tensor flatGradient)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            _pass.Angles = _model.Rotary.AnglesOf(_pass.Part.Lengths, _pass.Rows);
            _pass.FlatGradient = flatGradient;
            var gradient = _headGradient ?? RowPadding.Extend(residualGradient ?? throw new ArgumentNullException(nameof(residualGradient)), _pass.Rows);
            for (var i = _inputs.Length - 1; i >= 0; i--)
            {
                var next = LayerBackward(i, gradient, inputGradientNeeded: i > 0 || _model.Embedding is null);
                gradient.Dispose();
                if (next is null)
                {
                    break;
                }

                gradient = next;
            }

            (_pass.Angles, _pass.FlatGradient, _headGradient) = (null, null, null);
            return _model.Embedding is null ? RowPadding.Cut(gradient, Tokens).MoveToOuterDisposeScope() : null;
        }

        public void Dispose()
        {
            for (var i = 0; i < _inputs.Length; i++)
            {
                _inputs[i]?.Dispose();
                _kept[i]?.Dispose();
            }

            _headGradient?.Dispose();
        }

        private Tensor RunLayer(int index, Tensor input)
        {
            if (_recompute)
            {
                return _model.Layers[index].Forward(input, _pass);
            }

            var (output, kept) = _model.Layers[index].ForwardKeeping(input, _pass);
            _kept[index] = kept;
            SavedBytes += kept.Bytes + (input.numel() * input.element_size());
            return output;
        }

        private Tensor? LayerBackward(int index, Tensor gradient, bool inputGradientNeeded)
        {
            using var scope = NewDisposeScope();
            using var input = _inputs[index]!;
            using var kept = _kept[index] ?? KeptAgain(index, input);
            (_inputs[index], _kept[index]) = (null, null);
            return _model.Layers[index].Backward(input, kept, gradient, _pass, inputGradientNeeded)?.MoveToOuterDisposeScope();
        }

        private KeptTensors KeptAgain(int index, Tensor input)
        {
            var (output, kept) = _model.Layers[index].ForwardKeeping(input, _pass);
            output.Dispose();
            return kept;
        }
    }
}
