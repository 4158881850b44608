using Orchestrator.Worker.Adapters;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The low-rank pairs of a projection group as one pair: their A below each other, their B side by side in a block diagonal.</summary>
/// <remarks>
/// A group then needs two products forward and four backward, however many layers it has; the zeros of the block diagonal cost a fraction of a percent of the base products. Both matrices
/// are in the compute dtype, written again from the adapter state before every use, so nothing can be stale. With dropout every pair has its own input: the products with A are then made
/// pair by pair. Owns its matrices. Compute thread only.
/// </remarks>
internal sealed class LoraGroup : IDisposable
{
    private readonly Member[] _members;
    private readonly FusedOperations _operations;
    private readonly bool _dropout;
    private readonly Tensor _down;
    private readonly Tensor _up;

    /// <param name="parts">The group's linear layers; at least one has an adapter.</param>
    /// <param name="computeDtype">Of the products.</param>
    /// <param name="operations">The device's operations.</param>
    public LoraGroup(IReadOnlyList<ProjectionPart> parts, ScalarType computeDtype, FusedOperations operations)
    {
        (_members, _operations) = (MembersOf(parts), operations);
        _dropout = Array.Exists(_members, member => member.Pair.Dropout is not null);
        var (ranks, device) = (_members.Sum(member => member.Pair.Rank), _members[0].Pair.A.device);
        _down = zeros([ranks, parts[0].Weight.Columns], computeDtype, device).DetachFromDisposeScope();
        _up = zeros([parts.Sum(part => part.Weight.Rows), ranks], computeDtype, device).DetachFromDisposeScope();
    }

    /// <summary>Bytes of the matrices.</summary>
    public long Bytes => (_down.numel() + _up.numel()) * _down.element_size();

    /// <summary>Adds the pairs' output.</summary>
    /// <param name="x">[tokens, in], the group's input.</param>
    /// <param name="output">[tokens, outs], changed in place.</param>
    /// <param name="pass">The pass.</param>
    public void AddForward(Tensor x, Tensor output, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Lora);
        using var scope = NewDisposeScope();
        Refresh();
        output.addmm_(Hidden(x, Inputs(x, pass)), _up.t(), 1f, 1f);
    }

    /// <summary>Adds the gradients of every A and B to the flat buffer and the gradient of x to <paramref name="inputGradient"/>.</summary>
    /// <param name="x">[tokens, in], the group's input.</param>
    /// <param name="gradient">[tokens, outs], gradient of the group's output.</param>
    /// <param name="inputGradient">[tokens, in], changed in place; null if nothing reads it.</param>
    /// <param name="pass">The pass.</param>
    public void AddBackward(Tensor x, Tensor gradient, Tensor? inputGradient, PassContext pass)
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
            var (pair, place, rank) = _members[i];
            _operations.AddBlock(upGradient, place, AdapterState.ViewOf(flat, pair.PlaceB), pair.Scale);
            var own = downGradient ?? mm(hiddenGradient.narrow(1, rank, pair.Rank).t(), inputs![i]);
            _operations.AddBlock(own, new BlockPlace(downGradient is null ? 0 : rank, 0), AdapterState.ViewOf(flat, pair.PlaceA), 1f);
        }

        if (inputGradient is not null)
        {
            AddInputGradient(hiddenGradient, inputGradient, pass);
        }
    }

    public void Dispose()
    {
        _down.Dispose();
        _up.Dispose();
    }

    /// <summary>Writes both matrices from the adapter state; the scale is B's.</summary>
    private void Refresh()
    {
        foreach (var (pair, place, rank) in _members)
        {
            _operations.PutBlock(pair.A, _down, new BlockPlace(rank, 0), 1f);
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
            var own = mm(hiddenGradient.narrow(1, member.FirstRank, member.Pair.Rank), DownOf(member));
            inputGradient.add_(member.Pair.Dropout?.Apply(own, pass) ?? own);
        }
    }

    private Tensor DownOf(Member member) => _down.narrow(0, member.FirstRank, member.Pair.Rank);

    private static Member[] MembersOf(IReadOnlyList<ProjectionPart> parts)
    {
        var members = new List<Member>();
        var (row, rank) = (0L, 0L);
        foreach (var part in parts)
        {
            if (part.Lora is { } pair)
            {
                members.Add(new Member(pair, new BlockPlace(row, rank), rank));
                rank += pair.Rank;
            }

            row += part.Weight.Rows;
        }

        return [.. members];
    }

    /// <summary>A pair, the place of its B, and its first rank.</summary>
    private readonly record struct Member(LoraPair Pair, BlockPlace Place, long FirstRank);
}
