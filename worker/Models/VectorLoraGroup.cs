using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>A group's pairs on the CPU: a pass over tokens forward, one over tokens and one over features backward, everything between in fp32.</summary>
/// <remarks>
/// The library is slow at products that are 16 wide, and would need a call for each. Equal to <see cref="TensorLoraGroup"/> up to rounding. Every element is one chain of fused
/// multiply-adds over features, ranks or tokens in their order, so its bits depend neither on threads nor on what stands beside it. Holds nothing between uses.
/// </remarks>
internal sealed unsafe class VectorLoraGroup : LoraGroup
{
    private const int RowsAtOnce = 32;

    private readonly LoraMember[] _members;
    private readonly int[] _firstLane;
    private readonly int _lanes;
    private readonly int _inFeatures;
    private readonly int _outFeatures;

    /// <param name="parts">The group's linear layers; at least one has an adapter, none has dropout.</param>
    public VectorLoraGroup(IReadOnlyList<ProjectionPart> parts)
    {
        _members = LoraMember.Of(parts);
        _firstLane = new int[_members.Length];
        for (var i = 0; i < _members.Length; i++)
        {
            _firstLane[i] = _lanes;
            _lanes += BlockProduct.Padded(_members[i].Pair.Rank);
        }

        (_inFeatures, _outFeatures) = ((int)parts[0].Weight.Columns, (int)parts.Sum(part => part.Weight.Rows));
    }

    /// <inheritdoc/>
    public override long Bytes => 0;

    /// <inheritdoc/>
    public override void AddForward(Tensor x, Tensor output, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Lora);
        var count = (int)x.size(0);
        using var memory = new ScratchFloats(ScratchFloats.Size(_inFeatures + count + LoraRows.Count, _lanes) + _members.Sum(member => ScratchFloats.Size((int)member.Pair.Rank, member.Pair.OutFeatures)));
        var down = TransposedDown(memory);
        var ups = Array.ConvertAll(_members, member => TransposedUp(member.Pair, memory));
        var hidden = memory.Take(count + LoraRows.Count, _lanes);
        var (source, target) = (Rows.Of(x, _inFeatures), Rows.Of(output, _outFeatures));
        ForRows(count, rows =>
        {
            var own = hidden.At(rows.First, 0);
            Hidden(rows, source, down, own);
            for (var i = 0; i < _members.Length; i++)
            {
                var (pair, place) = _members[i];
                rows.AddProduct(own.Left(0, _firstLane[i]), (int)pair.Rank, ups[i], target, (int)place.Row, pair.OutFeatures);
            }
        });
    }

    /// <inheritdoc/>
    public override void AddBackward(Tensor x, Tensor gradient, Tensor? inputGradient, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Lora);
        var flat = pass.FlatGradient ?? throw new InvalidOperationException("A backward ran without a gradient buffer.");
        using var dense = gradient.contiguous();
        var (inputs, outputs) = (Rows.Of(x, _inFeatures), Rows.Of(dense, _outFeatures));
        var count = (int)x.size(0);
        using var memory = new ScratchFloats(
            ScratchFloats.Size(_inFeatures + (2 * (count + LoraRows.Count)), _lanes) + ScratchFloats.Size(_lanes, _inFeatures) + _members.Sum(member => ScratchFloats.Size(member.Pair.OutFeatures, (int)member.Pair.Rank)));
        var (hidden, hiddenGradient) = (memory.Take(count + LoraRows.Count, _lanes), memory.Take(count + LoraRows.Count, _lanes));
        OverTokens(memory, count, inputs, outputs, inputGradient, hidden, hiddenGradient);
        OverFeatures(pass.Part.Lengths, inputs, outputs, GradientSums.Of(flat), hidden, hiddenGradient);
    }

    public override void Dispose()
    {
    }

    /// <summary>Fills scale * x A^T and scale * dy B of every token, and adds the latter times A to the input's gradient.</summary>
    private void OverTokens(ScratchFloats memory, int count, Rows inputs, Rows outputs, Tensor? inputGradient, Block hidden, Block hiddenGradient)
    {
        var (transposed, down) = (TransposedDown(memory), Down(memory));
        var ups = Array.ConvertAll(_members, member => Up(member.Pair, memory));
        var target = inputGradient is null ? default : Rows.Of(inputGradient, _inFeatures);
        var wanted = inputGradient is not null;
        ForRows(count, rows =>
        {
            Hidden(rows, inputs, transposed, hidden.At(rows.First, 0));
            for (var i = 0; i < _members.Length; i++)
            {
                var (pair, place) = _members[i];
                var own = hiddenGradient.At(rows.First, _firstLane[i]);
                var lanes = BlockProduct.Padded(pair.Rank);
                rows.Product(outputs, (int)place.Row, pair.OutFeatures, ups[i], own, lanes);
                LoraRows.Scale(own, lanes, pair.Scale);
            }

            if (wanted)
            {
                rows.AddProduct(hiddenGradient.Left(rows.First, 0), _lanes, down, target, 0, _inFeatures);
            }
        });
    }

    /// <summary>Adds the gradients of A and B: sums over tokens, each cut of features by one thread.</summary>
    private void OverFeatures(int[] lengths, Rows inputs, Rows outputs, GradientSums flat, Block hidden, Block hiddenGradient)
    {
        var cuts = new List<LoraGradientCut>();
        for (var i = 0; i < _members.Length; i++)
        {
            var (pair, place) = _members[i];
            cuts.AddRange(LoraGradientCut.Of(pair.PlaceA, inputs, 0, hiddenGradient.At(0, _firstLane[i])));
            cuts.AddRange(LoraGradientCut.Of(pair.PlaceB, outputs, (int)place.Row, hidden.At(0, _firstLane[i])));
        }

        KernelParallel.Each(cuts.Count, index => cuts[index].AddTo(flat, lengths));
    }

    private void Hidden(LoraRows rows, Rows inputs, Block transposedDown, Block hidden)
    {
        rows.Product(inputs, 0, _inFeatures, transposedDown, hidden, _lanes);
        for (var i = 0; i < _members.Length; i++)
        {
            LoraRows.Scale(hidden.At(0, _firstLane[i]), BlockProduct.Padded(_members[i].Pair.Rank), _members[i].Pair.Scale);
        }
    }

    /// <summary>[in, lanes]: every A transposed, side by side.</summary>
    private Block TransposedDown(ScratchFloats memory)
    {
        var result = memory.Take(_inFeatures, _lanes);
        for (var i = 0; i < _members.Length; i++)
        {
            var pair = _members[i].Pair;
            LoraFactors.Transpose(Of(pair.A, _inFeatures), (int)pair.Rank, _inFeatures, result.At(0, _firstLane[i]));
        }

        return result;
    }

    /// <summary>[lanes, in]: every A, below each other; lanes without a rank are zero.</summary>
    private Block Down(ScratchFloats memory)
    {
        var result = memory.Take(_lanes, _inFeatures);
        for (var i = 0; i < _members.Length; i++)
        {
            var (pair, rank) = (_members[i].Pair, (int)_members[i].Pair.Rank);
            var own = result.At(_firstLane[i], 0);
            LoraFactors.Copy(Of(pair.A, _inFeatures), rank, _inFeatures, own);
            own.Row(rank, (BlockProduct.Padded(rank) - rank) * result.Stride).Clear();
        }

        return result;
    }

    /// <summary>[rank, out].</summary>
    private static Block TransposedUp(LoraPair pair, ScratchFloats memory)
    {
        var result = memory.Take((int)pair.Rank, pair.OutFeatures);
        LoraFactors.Transpose(Of(pair.B, (int)pair.Rank), pair.OutFeatures, (int)pair.Rank, result);
        return result;
    }

    /// <summary>[out, rank]: B itself where its columns are whole vectors.</summary>
    private static Block Up(LoraPair pair, ScratchFloats memory)
    {
        var (own, rank) = (Of(pair.B, (int)pair.Rank), (int)pair.Rank);
        if (rank % BlockProduct.Lanes == 0)
        {
            return own;
        }

        var result = memory.Take(pair.OutFeatures, rank);
        LoraFactors.Copy(own, pair.OutFeatures, rank, result);
        return result;
    }

    private static Block Of(Tensor matrix, int columns) => new((nint)TensorMemory.Pointer(matrix), columns);

    private static void ForRows(int count, Action<LoraRows> body)
        => KernelParallel.Each((count + RowsAtOnce - 1) / RowsAtOnce, part =>
        {
            var end = Math.Min(count, (part + 1) * RowsAtOnce);
            for (var row = part * RowsAtOnce; row < end; row += LoraRows.Count)
            {
                body(new LoraRows(row, Math.Min(LoraRows.Count, end - row)));
            }
        });
}
