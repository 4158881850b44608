using System.Buffers.Binary;
using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Adds the state hashes of stages: no cut of the model into stages changes the sum.</summary>
/// <remarks>Pure. A hash is two little-endian 64-bit halves; each is added modulo 2^64.</remarks>
internal static class StateHashSum
{
    public const int Bytes = 16;

    /// <summary>The sum; empty where one of them is missing or there are none.</summary>
    public static ByteString Of(IEnumerable<ByteString> hashes)
    {
        var (low, high, any) = (0UL, 0UL, false);
        foreach (var hash in hashes)
        {
            if (hash.Length != Bytes)
            {
                return ByteString.Empty;
            }

            low += BinaryPrimitives.ReadUInt64LittleEndian(hash.Span);
            high += BinaryPrimitives.ReadUInt64LittleEndian(hash.Span[sizeof(ulong)..]);
            any = true;
        }

        if (!any)
        {
            return ByteString.Empty;
        }

        Span<byte> sum = stackalloc byte[Bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(sum, low);
        BinaryPrimitives.WriteUInt64LittleEndian(sum[sizeof(ulong)..], high);
        return ByteString.CopyFrom(sum);
    }

    /// <summary>The sum over all layers of the states that are held after a step; empty where the ranges that are held do not lie end to end.</summary>
    public static ByteString Of(IEnumerable<StateHolder> holders, ulong step, int numLayers)
    {
        var byFirst = holders.SelectMany(holder => holder.States).Where(state => state.Step == step).GroupBy(state => state.FirstLayer).ToDictionary(group => group.Key, group => group.ToList());
        return Sum(byFirst, 0, (uint)numLayers) is { } chain ? Of(chain.Select(state => state.Hash)) : ByteString.Empty;
    }

    // Ranges come from at most a few layouts, so the search is short.
    private static List<HeldState>? Sum(Dictionary<uint, List<HeldState>> byFirst, uint first, uint numLayers)
    {
        if (first == numLayers)
        {
            return [];
        }

        foreach (var state in byFirst.GetValueOrDefault(first) ?? [])
        {
            if (state.LastLayer >= first && state.LastLayer < numLayers && Sum(byFirst, state.LastLayer + 1, numLayers) is { } rest)
            {
                return [state, .. rest];
            }
        }

        return null;
    }
}
