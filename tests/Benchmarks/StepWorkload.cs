using System.Text.Json;
using Orchestrator.Coordinator.Models;
using Orchestrator.Chaos;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Tests.Models;

namespace Orchestrator.Benchmarks;

/// <summary>A model folder and the micro-batches of one step.</summary>
internal sealed class StepWorkload : IDisposable
{
    private readonly RandomModel? _random;

    private StepWorkload(string name, ModelFolder folder, IReadOnlyList<MicroBatchTokens> microBatches, RandomModel? random)
    {
        (Name, Folder, MicroBatches, _random) = (name, folder, microBatches, random);
    }

    public string Name { get; }

    public ModelFolder Folder { get; }

    public IReadOnlyList<MicroBatchTokens> MicroBatches { get; }

    /// <summary>d 768, 12 layers, 12 heads, intermediate 2048, vocabulary 32,000; 4 samples of 512 tokens, a label on every token, one micro-batch.</summary>
    public static StepWorkload Shape110M()
    {
        const int Length = 512;
        var model = Model110M();
        var ids = Enumerable.Range(0, 4 * Length).Select(i => (int)(i * 7919L % 32_000)).ToArray();
        return new StepWorkload("110m", model.Folder, [new MicroBatchTokens([0, 1, 2, 3], [Length, Length, Length, Length], ids, ids, packed: true)], model);
    }

    /// <summary>A model folder of that shape with random weights.</summary>
    public static RandomModel Model110M() => new(hidden: 768, inner: 2048, layers: 12, heads: 12, vocabulary: 32_000);

    /// <summary>The repository's sample: 16 tokenized orders, cut as a job would cut them.</summary>
    public static StepWorkload Sample()
    {
        var all = Repository.SampleTokens("orders-tokens").Take(16).Select(line => JsonDocument.Parse(line).RootElement).Select(sample => (Ids: Numbers(sample, "input_ids"), Labels: Numbers(sample, "labels"))).ToArray();
        var quarter = all.Sum(sample => sample.Ids.Length) / 4;
        var limit = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(all.Max(sample => sample.Ids.Length), Math.Min(4096, quarter)));
        var batches = new List<MicroBatchTokens>();
        for (var i = 0; i < all.Length;)
        {
            var end = i;
            for (var tokens = 0; end < all.Length && tokens + all[end].Ids.Length <= limit; end++)
            {
                tokens += all[end].Ids.Length;
            }

            var part = all[i..end];
            batches.Add(new MicroBatchTokens(
                [.. Enumerable.Range(i, part.Length).Select(n => (uint)n)],
                [.. part.Select(sample => sample.Ids.Length)],
                [.. part.SelectMany(sample => sample.Ids)],
                [.. part.SelectMany(sample => sample.Labels)],
                packed: true));
            i = end;
        }

        return new StepWorkload("sample", ModelFolder.Open(Repository.Sample("tiny-llama")), batches, null);
    }

    public void Dispose() => _random?.Dispose();

    private static int[] Numbers(JsonElement sample, string name) => [.. sample.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];
}
