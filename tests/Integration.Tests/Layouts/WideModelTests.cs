using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Worker.Tests.Models;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>A model whose micro-batches are cut over all threads of a worker; the sample's and the golden ones have a thread each.</summary>
public sealed class WideModelTests
{
    [Fact]
    public void Train_OnOneAndTwoProcessorsAndAsAPipeline_GivesEqualBits()
    {
        using var folder = new TemporaryFolder();
        using var model = new RandomModel(hidden: 512, inner: 1536, layers: 4, heads: 8, vocabulary: 512);
        Assert.True(model.Bytes > 1 << 24, "a thread would have a micro-batch to itself");
        folder.Write("train.jsonl", string.Concat(Enumerable.Range(0, 8).Select(row =>
        {
            string ids = string.Join(", ", Enumerable.Range(0, 100 + row).Select(i => ((i * 37) + (row * 11)) % 512));
            return $"{{\"input_ids\": [{ids}], \"labels\": [{ids}]}}\n";
        })));
        string job = folder.Write("job.yaml", $$"""
            name: wide
            model: {{model.Folder.Path}}
            data: {train: train.jsonl, format: tokens}
            adapter: {target_modules: all-linear}
            training: {max_steps: 2, global_batch_size: 4, micro_batch_tokens: 256}
            resources: {compute_threads: 2}
            """);

        var (one, two) = (ProcessorRun.Train(1, job, folder["one"]), ProcessorRun.Train(2, job, folder["two"]));
        var pipeline = new LayoutRun(job, folder["pipeline"], 1, 2);

        Assert.Equal(2, two.Steps.Count);
        Assert.All(two.Steps, step => Assert.True(step.GradNorm > 0));
        foreach (var other in new[] { one, pipeline.Output })
        {
            Assert.Equal(two.AdapterBytes, other.AdapterBytes);
            Assert.Equal(two.Steps, other.Steps);
        }
    }
}
