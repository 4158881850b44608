using Orchestrator.Protos;

namespace Orchestrator.Worker.Kernels;

/// <summary>Makes dropout factors: 1 / (1 - p) where an element is kept, 0 where it is dropped.</summary>
/// <remarks>
/// An element is kept where its random word is at least p * 2^32: a comparison of integers, so every machine agrees. A
/// function of the stream and the element alone; recompute makes the same mask again, and nothing is stored.
/// </remarks>
internal static unsafe class DropoutMask
{
    private const int Part = 4096;

    /// <summary>Writes <paramref name="count"/> factors, the first of them element <paramref name="first"/> of the stream.</summary>
    /// <param name="stream">Seed, step, micro-batch and module.</param>
    /// <param name="first">E.g. the first token's index times the layer's width.</param>
    /// <param name="count">Factors to write.</param>
    /// <param name="probability">p in [0, 1).</param>
    /// <param name="type">F32, BF16 or F16: the type of the values that are multiplied.</param>
    /// <param name="destination">Room for the factors.</param>
    public static void Fill(RandomStream stream, ulong first, long count, double probability, DType type, void* destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(probability);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(probability, 1);
        var threshold = (uint)Math.Min(Math.Round(probability * 4294967296.0), uint.MaxValue);
        var kept = (float)(1 / (1 - probability));
        KernelParallel.For((count + Part - 1) / Part, 8, (from, to) =>
        {
            var words = new uint[Part];
            for (var part = from; part < to; part++)
            {
                var at = part * Part;
                var random = words.AsSpan(0, (int)Math.Min(Part, count - at));
                PhiloxFill.Words(stream, first + (ulong)at, random);
                if (type == DType.F32)
                    Choose(random, threshold, kept, (float*)destination + at);
                else
                    Choose(random, threshold, Narrowing.FromSingle(kept, type), (ushort*)destination + at);
            }
        });
    }

    private static void Choose<T>(ReadOnlySpan<uint> random, uint threshold, T kept, T* destination)
        where T : unmanaged
    {
        for (var i = 0; i < random.Length; i++)
            destination[i] = random[i] >= threshold ? kept : default;
    }
}
