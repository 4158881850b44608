using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Models;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Generation;

/// <summary>Attention of one new token of several sequences on the CPU: keys and values are put into the caches and read there, one call a layer.</summary>
/// <remarks>
/// The library would be called a dozen times a sequence, for products too small to be worth a call. Sums are fp32 whatever the dtype; a sequence and key head is computed whole by one
/// thread, so its bits depend neither on threads nor on the other sequences. Compute thread only; the work runs on all compute threads.
/// </remarks>
internal static class StepAttention
{
    /// <summary>[rows, heads * head_dim]; zero where a row is idle.</summary>
    /// <param name="newest">Rotated heads of one token a row.</param>
    /// <param name="caches">What came before it; null: the row is idle.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="attention">Its attention.</param>
    public static Tensor Run(AttentionHeads newest, KeyValueCache?[] caches, int layer, CausalAttention attention)
    {
        var heads = attention.Heads;
        var (width, groups) = (heads.Queries.HeadDim, heads.Queries.Groups);
        var output = zeros([caches.Length, heads.Queries.Columns], newest.Keys.dtype);
        var tokens = new NewTokens(Rows.Of(newest.Queries, width), Rows.Of(newest.Keys, width), Rows.Of(newest.Values, width), Rows.Of(output, width), caches.Length);
        var held = Array.ConvertAll(caches, cache => cache is null ? default : Held.Of(cache, layer, newest));
        KernelParallel.For((long)caches.Length * groups, 1, (from, to) =>
        {
            for (var item = (int)from; item < to; item++)
            {
                var (row, group) = (item % caches.Length, item / caches.Length);
                if (caches[row] is not null)
                    One(tokens, held[row], row, group, heads.Queries, attention.Window);
            }
        });
        return output;
    }

    private static void One(NewTokens tokens, Held held, int row, int group, HeadRange queries, int window)
    {
        var (width, size) = (queries.HeadDim, queries.GroupSize);
        var first = window == 0 ? 0 : Math.Max(0, held.Length - window + 1);
        var seen = held.Length + 1 - first;
        using var buffer = new RowBuffer((size * seen) + (2 * size * width) + width);
        var scores = buffer.Take(size * seen);
        var query = buffer.Take(size * width);
        var sum = buffer.Take(size * width);
        var vector = buffer.Take(width);
        var at = ((long)group * tokens.Count) + row;
        Put(tokens.Keys, at, held.Keys, held.RowOf(group, held.Length), vector);
        Put(tokens.Values, at, held.Values, held.RowOf(group, held.Length), vector);
        for (var head = 0; head < size; head++)
            tokens.Queries.Load((at * size) + head, query.Slice(head * width, width));
        for (var key = 0; key < seen; key++)
        {
            held.Keys.Load(held.RowOf(group, first + key), vector);
            for (var head = 0; head < size; head++)
                scores[(head * seen) + key] = RowMath.Dot(query.Slice(head * width, width), vector);
        }

        for (var head = 0; head < size; head++)
            RowMath.Softmax(scores.Slice(head * seen, seen), (float)(1.0 / Math.Sqrt(width)));
        sum.Clear();
        for (var key = 0; key < seen; key++)
        {
            held.Values.Load(held.RowOf(group, first + key), vector);
            for (var head = 0; head < size; head++)
                RowMath.AddScaled(sum.Slice(head * width, width), vector, scores[(head * seen) + key]);
        }

        for (var head = 0; head < size; head++)
            tokens.Output.Store(((long)row * queries.Groups * size) + (group * size) + head, sum.Slice(head * width, width));
    }

    private static void Put(Rows source, long from, Rows target, long to, Span<float> vector)
    {
        source.Load(from, vector);
        target.Store(to, vector);
    }

    /// <summary>One token a row: heads as [groups, rows, group size] rows of head_dim, the output as [rows, heads].</summary>
    private readonly record struct NewTokens(Rows Queries, Rows Keys, Rows Values, Rows Output, int Count);

    /// <summary>One sequence's keys and values in a layer, as [groups, room] rows of head_dim.</summary>
    private readonly record struct Held(Rows Keys, Rows Values, long Room, int Length)
    {
        public static Held Of(KeyValueCache cache, int layer, AttentionHeads newest)
        {
            var (keys, values) = cache.Room(layer, newest, 1);
            return new Held(Rows.Of(keys, (int)keys.shape[2]), Rows.Of(values, (int)values.shape[2]), keys.shape[1], cache.Length);
        }

        public long RowOf(int group, int position) => (group * Room) + position;
    }
}
