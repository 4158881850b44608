namespace Orchestrator.Protos.Steps;

/// <summary>What a worker says it read for a micro-batch, in 64 bits: that every sample of an epoch counts exactly once is provable from reports.</summary>
/// <remarks>FNV-1a (Fowler, Noll, Vo) over little-endian bytes: the step (8), the micro-batch (4), then each sample (4) in the order in which it was read. Pure.</remarks>
public static class SampleHash
{
    private const ulong OffsetBasis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    /// <param name="step">The optimizer step, from 1.</param>
    /// <param name="microBatch">The micro-batch's place in the step's whole list.</param>
    /// <param name="samples">Indices in the split, laid end to end in this order.</param>
    public static ulong Of(ulong step, uint microBatch, IEnumerable<uint> samples)
    {
        var hash = Add(Add(OffsetBasis, step, sizeof(ulong)), microBatch, sizeof(uint));
        foreach (var sample in samples)
            hash = Add(hash, sample, sizeof(uint));
        return hash;
    }

    private static ulong Add(ulong hash, ulong value, int bytes)
    {
        for (var i = 0; i < bytes; i++, value >>= 8)
            hash = (hash ^ (value & 0xFF)) * Prime;
        return hash;
    }
}
