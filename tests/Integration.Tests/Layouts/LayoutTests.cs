using System.Text.Json;
using Orchestrator.Coordinator.Models;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>The adapter is a function of the job, whatever the layout; and the work is really distributed: micro-batches, gradients and the model's own bytes.</summary>
public sealed class LayoutTests
{
    private static readonly (int Replicas, int Stages)[] Layouts = [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3), (1, 4), (2, 2)];

    [Fact]
    public void Train_GoldenCase_GivesEqualBytesOnEveryLayout()
    {
        using var folder = new TemporaryFolder();
        string fixture = Repository.Fixture("training", "nf4-adamw-linear");
        var runs = CompareAll(folder, Path.Combine(fixture, "job.yaml"), ["training.max_steps=4", "training.eval_steps=1.0"], microBatches: 4 * 4);
        Assert.All(runs, run => BaseBytes.Check(run, Path.Combine(fixture, "base"), tied: false));
    }

    /// <summary>Packing, dropout, a tied head, eight or more micro-batches a step and a short last batch.</summary>
    [Fact]
    public void Train_Sample_GivesEqualBytesOnEveryLayout()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["train.jsonl"], File.ReadLines(Repository.Sample("orders.jsonl")).Take(90));
        File.WriteAllLines(folder["eval.jsonl"], File.ReadLines(Repository.Sample("orders-eval.jsonl")).Take(20));
        var runs = CompareAll(folder, Repository.Sample("orders.yaml"),
        [
            $"data.train={folder["train.jsonl"]}", $"data.eval={folder["eval.jsonl"]}", "training.epochs=1", "training.global_batch_size=40",
            "training.micro_batch_tokens=512", "adapter.lora_dropout=0.1", "training.reduction_slots=16", "training.eval_steps=1.0",
        ], microBatches: 10 + 10 + 3);
        Assert.All(runs, run => BaseBytes.Check(run, Repository.Sample("tiny-llama"), tied: true));
        var steps = runs[0].Output.Steps;
        Assert.Equal(3, steps.Count);
        Assert.True(steps[2].LabelTokens < steps[0].LabelTokens / 2, "the last step is the short one");
        var perStep = runs[0].Output.Json("plan.json").GetProperty("micro_batches_per_step");
        Assert.True(perStep.GetProperty("max").GetInt32() >= 8);
        Assert.True(perStep.GetProperty("min").GetInt32() < 4, "a short batch has fewer micro-batches than the most replicas");
    }

    /// <summary>Samples on both sides of the length at which the attention on the CPU changes, packed beside each other.</summary>
    [Fact]
    public void Train_LongSamples_GivesEqualBytesOnEveryLayout()
    {
        using var folder = new TemporaryFolder();
        int[] lengths = [600, 20, 310, 330, 5, 300, 280, 400];
        string data = folder.Write("train.jsonl", string.Concat(lengths.Select(length =>
        {
            string ids = string.Join(", ", Enumerable.Range(length, length).Select(i => i * 37 % 2048));
            return $"{{\"input_ids\": [{ids}], \"labels\": [{ids}]}}\n";
        })));
        CompareAll(folder, Repository.Sample("orders.yaml"),
        [
            $"data.train={data}", "data.eval=null", "data.format=tokens", "data.shuffle=false", "training.epochs=1", "training.global_batch_size=4",
            "training.micro_batch_tokens=640", "adapter.lora_dropout=0.1",
        ], microBatches: 2 * 2, [(1, 1), (2, 1), (1, 2)]);
    }

    /// <param name="folder">Where the runs write.</param>
    /// <param name="job">The job.</param>
    /// <param name="set">Its changed keys.</param>
    /// <param name="microBatches">Of all steps together: what each stage's workers must have run.</param>
    /// <param name="layouts">Null: all of them.</param>
    private static List<LayoutRun> CompareAll(TemporaryFolder folder, string job, string[] set, int microBatches, (int Replicas, int Stages)[]? layouts = null)
    {
        var runs = (layouts ?? Layouts).Select(l => new LayoutRun(job, folder[$"{l.Replicas}x{l.Stages}"], l.Replicas, l.Stages, set)).ToList();
        var first = runs[0];
        long adapterBytes = SafetensorsHeader.Read(first.Output.AdapterFile).Tensors.Sum(tensor => (long)tensor.Length);
        foreach (var run in runs)
        {
            string layout = $"{run.Replicas}x{run.Stages}";
            Assert.True(first.Output.AdapterBytes.SequenceEqual(run.Output.AdapterBytes), $"{layout}: the adapter differs from 1x1's");
            Assert.Equal(first.Output.Steps, run.Output.Steps);
            Assert.Equal(first.Output.Evaluations, run.Output.Evaluations);
            CheckDistribution(run, microBatches, adapterBytes);
        }

        return runs;
    }

    private static void CheckDistribution(LayoutRun run, int microBatches, long adapterBytes)
    {
        Assert.Equal(run.Replicas * run.Stages, run.Workers.Count());
        // What workers sent is what workers received: no tensor went by way of the coordinator.
        long sent = run.Workers.Sum(worker => worker.GetProperty("bytes_sent").GetInt64());
        Assert.Equal(sent, run.Workers.Sum(worker => worker.GetProperty("bytes_received").GetInt64()));
        Assert.Equal(run.Replicas * run.Stages > 1, sent > 0);
        for (int stage = 0; stage < run.Stages; stage++)
        {
            var workers = run.Workers.Where(worker => worker.GetProperty("stage").GetInt32() == stage).ToList();
            Assert.Equal(run.Replicas, workers.Count);
            Assert.Equal(microBatches, workers.Sum(worker => worker.GetProperty("micro_batches_run").GetInt32()));
            foreach (var worker in workers)
            {
                CheckGradientBytes(run, worker, adapterBytes);
            }
        }
    }

    private static void CheckGradientBytes(LayoutRun run, JsonElement worker, long adapterBytes)
    {
        long received = worker.GetProperty("gradient_bytes_received").GetInt64();
        if (run.Replicas == 1)
        {
            Assert.Equal(0, received);
            return;
        }

        double most = 1.5 * adapterBytes * (1 + Math.Log2(run.Replicas)) * run.Output.Steps.Count;
        Assert.InRange(received, 1, (long)most);
    }
}
