using Orchestrator.Worker.Models;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Generation;

/// <summary>The rotated keys and the values of one sequence in every layer, in the compute dtype.</summary>
/// <remarks>
/// [key heads, room, head_dim] a layer; room grows by blocks and by half at least, so a token costs no copy of what is there. The positions of a pass are counted once all its layers
/// have added theirs. Compute thread only.
/// </remarks>
internal sealed class KeyValueCache(int layers) : IDisposable
{
    private const long BlockTokens = 256;

    private readonly Tensor?[] _keys = new Tensor?[layers];
    private readonly Tensor?[] _values = new Tensor?[layers];

    /// <summary>Tokens that are held.</summary>
    public int Length { get; private set; }

    /// <summary>Adds the newest tokens' keys and values in one layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="newest">Keys and values [key heads, tokens, head_dim] of the tokens after the held ones.</param>
    /// <returns>The given queries with all keys and values, as views that the caller's scope disposes.</returns>
    public AttentionHeads Add(int layer, AttentionHeads newest)
    {
        var tokens = newest.Keys.shape[1];
        var (keys, values) = Room(layer, newest, tokens);
        return new AttentionHeads(newest.Queries, Put(keys, newest.Keys), Put(values, newest.Values));
    }

    /// <summary>A layer's keys and values [key heads, room, head_dim] with room for more tokens after the held ones; they stay the cache's.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="like">Heads of the layer.</param>
    /// <param name="tokens">How many more.</param>
    public (Tensor Keys, Tensor Values) Room(int layer, AttentionHeads like, long tokens)
    {
        if (_keys[layer] is not { } keys || keys.shape[1] < Length + tokens)
        {
            (_keys[layer], _values[layer]) = (Grown(_keys[layer], like.Keys, Length + tokens), Grown(_values[layer], like.Values, Length + tokens));
        }

        return (_keys[layer]!, _values[layer]!);
    }

    /// <summary>Counts tokens that every layer has added.</summary>
    public void Advance(int tokens) => Length += tokens;

    /// <summary>Makes the memory another sequence's.</summary>
    public void Clear() => Length = 0;

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values))
        {
            tensor?.Dispose();
        }
    }

    private Tensor Put(Tensor held, Tensor newest)
    {
        using var scope = NewDisposeScope();
        held.narrow(1, Length, newest.shape[1]).copy_(newest);
        return held.narrow(1, 0, Length + newest.shape[1]).MoveToOuterDisposeScope();
    }

    private Tensor Grown(Tensor? held, Tensor like, long needed)
    {
        using var scope = NewDisposeScope();
        var room = Math.Max(needed, (held?.shape[1] ?? 0) * 3 / 2);
        var grown = empty([like.shape[0], (room + BlockTokens - 1) / BlockTokens * BlockTokens, like.shape[2]], like.dtype, like.device).DetachFromDisposeScope();
        if (held is not null)
        {
            grown.narrow(1, 0, Length).copy_(held.narrow(1, 0, Length));
            held.Dispose();
        }

        return grown;
    }
}
