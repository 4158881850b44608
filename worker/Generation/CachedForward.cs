using Orchestrator.Worker.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Generation;

/// <summary>The two passes of generation over a whole model: a prompt at once, then one token of several sequences a step.</summary>
/// <remarks>
/// Layers, weights and adapters are the model's own; only attention is told to look at kept keys. A prompt is always alone in its products, and a step always has <see cref="Rows"/>
/// rows, idle ones included: the library may multiply matrices of another height in another order, so this is what keeps an answer the same whatever is answered beside it.
/// Compute thread only.
/// </remarks>
internal sealed class CachedForward(StageModel model)
{
    /// <summary>Rows of a step: few enough that a lone answer pays little for the idle ones, since weights cost the most to read and dequantize.</summary>
    public const int Rows = 8;

    private const int PromptTokensAtOnce = 1024;

    public int Vocabulary => (int)model.Spec.Model.VocabSize;

    public KeyValueCache NewCache() => new(model.Layers.Count);

    /// <summary>Runs a prompt into an empty cache and gives one row of logits.</summary>
    public NextLogits Prompt(int[] prompt, KeyValueCache cache)
    {
        using var noGrad = no_grad();
        for (var start = 0; ; start += PromptTokensAtOnce)
        {
            using var scope = NewDisposeScope();
            // Prompts are of any length: padded as a micro-batch is, their products come in few sizes.
            var count = Math.Min(PromptTokensAtOnce, prompt.Length - start);
            var part = new MicroBatchTokens([0], [count], prompt.AsSpan(start, count).ToArray(), NoLabels(count), packed: true);
            var positions = new long[RowPadding.RowsOf(count)];
            for (var i = 0; i < count; i++)
            {
                positions[i] = start + i;
            }

            var x = Layers(part, positions, (layer, attention, projected, pass) =>
            {
                var heads = attention.Split(projected, pass);
                var all = cache.Add(layer, Own(heads, count));
                return cache.Length == 0 ? attention.Within(projected, heads, pass) : RowPadding.Extend(attention.Continue(all), positions.Length);
            });
            cache.Advance(count);
            if (start + count == prompt.Length)
                return Logits(x.narrow(0, count - 1, 1));
        }
    }

    /// <summary>Runs one more token of each sequence and gives as many rows of logits, those of idle rows undefined.</summary>
    /// <param name="tokens">A token a row.</param>
    /// <param name="caches">What came before it; null: the row is idle. <see cref="Rows"/> of both.</param>
    public NextLogits Step(int[] tokens, KeyValueCache?[] caches)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var part = new MicroBatchTokens([.. Enumerable.Range(0, Rows).Select(row => (uint)row)], [.. Enumerable.Repeat(1, Rows)], [.. tokens], NoLabels(Rows), packed: true);
        var x = Layers(part, Array.ConvertAll(caches, cache => (long)(cache?.Length ?? 0)), (layer, attention, projected, pass) =>
        {
            var heads = attention.Split(projected, pass);
            return projected.device_type == DeviceType.CPU ? StepAttention.Run(heads, caches, layer, attention) : RowByRow(heads, caches, layer, attention);
        });
        foreach (var cache in caches)
        {
            cache?.Advance(1);
        }

        return Logits(x);
    }

    private Tensor Layers(MicroBatchTokens part, long[] positions, Func<int, CausalAttention, Tensor, PassContext, Tensor> attend)
    {
        using var scope = NewDisposeScope();
        var pass = new PassContext(part, 0, 0, 0, training: false) { Angles = model.Rotary.AnglesAt(positions) };
        var embedding = model.Embedding ?? throw new InvalidOperationException("a part of a model cannot generate");
        var x = RowPadding.Extend(embedding.Forward(part.InputIds), positions.Length);
        for (var i = 0; i < model.Layers.Count; i++)
        {
            var layer = i;
            pass.Attend = (attention, projected) => attend(layer, attention, projected, pass);
            var next = model.Layers[i].Forward(x, pass);
            x.Dispose();
            x = next;
        }

        return x.MoveToOuterDisposeScope();
    }

    private NextLogits Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        var head = model.Head ?? throw new InvalidOperationException("a part of a model cannot generate");
        return new NextLogits(mm(head.Norm.Forward(x.contiguous()), head.Weight().t()));
    }

    /// <summary>What <see cref="StepAttention"/> does, by the operations of any device.</summary>
    internal static Tensor RowByRow(AttentionHeads heads, KeyValueCache?[] caches, int layer, CausalAttention attention)
    {
        using var scope = NewDisposeScope();
        var outputs = new Tensor[caches.Length];
        for (var row = 0; row < outputs.Length; row++)
        {
            outputs[row] = caches[row] is { } cache
                ? attention.Continue(cache.Add(layer, RowOf(heads, row)))
                : zeros([1, attention.Heads.Queries.Columns], heads.Keys.dtype, heads.Keys.device);
        }

        return cat(outputs, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The heads of the first tokens, without those of padding.</summary>
    private static AttentionHeads Own(AttentionHeads heads, int count) => new(heads.Queries.narrow(1, 0, count).contiguous(), heads.Keys.narrow(1, 0, count), heads.Values.narrow(1, 0, count));

    private static AttentionHeads RowOf(AttentionHeads heads, int row) => new(heads.Queries.narrow(1, row, 1).contiguous(), heads.Keys.narrow(1, row, 1), heads.Values.narrow(1, row, 1));

    private static int[] NoLabels(int count) => [.. Enumerable.Repeat(MicroBatchTokens.NoLabel, count)];
}
