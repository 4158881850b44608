namespace Orchestrator.Worker.Models;

/// <summary>The tokens of one micro-batch: its samples laid end to end without padding.</summary>
/// <remarks>Immutable. The arrays are taken over, not copied: the caller does not change them afterwards.</remarks>
internal sealed class MicroBatchTokens
{
    /// <summary>The label of a position that carries no loss.</summary>
    public const int NoLabel = -100;

    /// <summary>Takes the samples' tokens over.</summary>
    /// <param name="samples">Index of each sample in its split.</param>
    /// <param name="lengths">Tokens of each sample; each at least 1.</param>
    /// <param name="inputIds">Token ids, sample after sample: as many as the lengths' sum.</param>
    /// <param name="labels">A label a token, <see cref="NoLabel"/> where there is none.</param>
    /// <param name="packed">True: one product over all samples; false: each sample its own products.</param>
    public MicroBatchTokens(uint[] samples, int[] lengths, int[] inputIds, int[] labels, bool packed)
    {
        var total = 0L;
        foreach (var length in lengths)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(length, 1, nameof(lengths));
            total += length;
        }

        if (samples.Length != lengths.Length || inputIds.Length != total || labels.Length != total || samples.Length == 0)
        {
            throw new ArgumentException($"{samples.Length} samples, {lengths.Length} lengths of {total} tokens, {inputIds.Length} ids and {labels.Length} labels do not belong together.", nameof(lengths));
        }

        Samples = samples;
        Lengths = lengths;
        InputIds = inputIds;
        Labels = labels;
        Packed = packed;
    }

    public uint[] Samples { get; }

    public int[] Lengths { get; }

    public int[] InputIds { get; }

    public int[] Labels { get; }

    public bool Packed { get; }

    /// <summary>All tokens of the micro-batch.</summary>
    public int Tokens => InputIds.Length;

    /// <summary>The parts that share products: the whole micro-batch if packed, else every sample alone.</summary>
    public IReadOnlyList<MicroBatchTokens> Parts()
    {
        if (Packed || Lengths.Length == 1)
        {
            return [this];
        }

        var parts = new MicroBatchTokens[Lengths.Length];
        var start = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var end = start + Lengths[i];
            parts[i] = new MicroBatchTokens([Samples[i]], [Lengths[i]], InputIds[start..end], Labels[start..end], packed: true);
            start = end;
        }

        return parts;
    }
}
