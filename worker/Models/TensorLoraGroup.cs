using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>A group's pairs as one pair of tensors, on any device: their A below each other, their B side by side in a block diagonal.</summary>
/// <remarks>
/// The readable reference of <see cref="VectorLoraGroup"/>. A group then needs two products forward and four backward, however many layers it has; the zeros of the block diagonal
/// cost a fraction of a percent of the base products. Both matrices are in the compute dtype, written again from the adapter state before every use. With dropout every pair has its own
/// input: the products with A are then made pair by pair. Owns its matrices; threads that use it at once write the same values to them, each before it reads.
/// </remarks>
internal sealed class TensorLoraGroup : LoraGroup
{
    private readonly LoraMember[] _members;
    private readonly FusedOperations _operations;
    private readonly bool _dropout;
    private readonly Tensor _down;
    private readonly Tensor _up;

    /// <param name="parts">The group's linear layers; at least one has an adapter.</param>
    /// <param name="computeDtype">Of the products.</param>
    /// <param name="operations">The device's operations.</param>
    public TensorLoraGroup(IReadOnlyList<ProjectionPart> parts, ScalarType computeDtype, FusedOperations operations)
    {
        (_members, _operations) = (LoraMember.Of(parts), operations);
        _dropout = Array.Exists(_members, member => member.Pair.Dropout is not null);
        var (ranks, device) = (_members.Sum(member => member.Pair.Rank), _members[0].Pair.A.device);
        _down = zeros([ranks, parts[0].Weight.Columns], computeDtype, device).DetachFromDisposeScope();
        _up = zeros([parts.Sum(part => part.Weight.Rows), ranks], computeDtype, device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override long Bytes => (_down.numel() + _up.numel()) * _down.element_size();

    /// <inheritdoc/>
    public override void AddForward(Tensor x, Tensor output, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Lora);
        using var scope = NewDisposeScope();
        Refresh();
        output.addmm_(Hidden(x, Inputs(x, pass)), _up.t(), 1f, 1f);
    }

    /// <inheritdoc/>
    public override void AddBackward(Tensor x, Tensor gradient, Tensor? inputGradient, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Lora);
        using var scope = NewDisposeScope();
        var flat = pass.FlatGradient ?? throw new InvalidOperationException("A backward ran without a gradient buffer.");
        Refresh();
        var inputs = Inputs(x, pass);
        var upGradient = mm(gradient.t(), Hidden(x, inputs));
        var hiddenGradient = mm(gradient, _up);
        var downGradient = inputs is null ? mm(hiddenGradient.t(), x) : null;
        for (var i = 0; i < _members.Length; i++)
        {
            var (pair, place) = _members[i];
            var rank = place.Column;
            _operations.AddBlock(upGradient, place, AdapterState.ViewOf(flat, pair.PlaceB), pair.Scale);
            var own = downGradient ?? mm(hiddenGradient.narrow(1, rank, pair.Rank).t(), inputs![i]);
            _operations.AddBlock(own, new BlockPlace(downGradient is null ? 0 : rank, 0), AdapterState.ViewOf(flat, pair.PlaceA), 1f);
        }

        if (inputGradient is not null)
        {
            AddInputGradient(hiddenGradient, inputGradient, pass);
        }
    }

    public override void Dispose()
    {
        _down.Dispose();
        _up.Dispose();
    }

    /// <summary>Writes both matrices from the adapter state; the scale is B's.</summary>
    private void Refresh()
    {
        foreach (var (pair, place) in _members)
        {
            _operations.PutBlock(pair.A, _down, new BlockPlace(place.Column, 0), 1f);
            _operations.PutBlock(pair.B, _up, place, pair.Scale);
        }
    }

    /// <summary>Each pair's dropped input; null where all read x itself.</summary>
    private Tensor[]? Inputs(Tensor x, PassContext pass)
        => _dropout && pass.Training ? Array.ConvertAll(_members, member => member.Pair.Dropout?.Apply(x, pass) ?? x) : null;

    /// <summary>[tokens, ranks].</summary>
    private Tensor Hidden(Tensor x, Tensor[]? inputs)
        => inputs is null ? mm(x, _down.t()) : cat([.. _members.Select((member, i) => mm(inputs[i], DownOf(member).t()))], 1);

    private void AddInputGradient(Tensor hiddenGradient, Tensor inputGradient, PassContext pass)
    {
        if (!_dropout || !pass.Training)
        {
            inputGradient.addmm_(hiddenGradient, _down, 1f, 1f);
            return;
        }

        foreach (var member in _members)
        {
            var own = mm(hiddenGradient.narrow(1, member.Place.Column, member.Pair.Rank), DownOf(member));
            inputGradient.Add(member.Pair.Dropout?.Apply(own, pass) ?? own);
        }
    }

    private Tensor DownOf(LoraMember member) => _down.narrow(0, member.Place.Column, member.Pair.Rank);
}
