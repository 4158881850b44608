using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>The reference runs' own columns: label tokens and learning rates of every step.</summary>
public class StepPlanGoldenTests
{
    [Theory]
    [InlineData("nf4-adamw-linear")]
    [InlineData("lora16-cosine-rslora")]
    [InlineData("fp4-patterns")]
    [InlineData("nf4-sgd-constant")]
    public async Task Steps_OfGoldenRun_HaveItsLabelTokensAndRates(string name)
    {
        using var folder = new TemporaryFolder();
        var source = Fixtures.At("training", name);
        var job = JobFile.Parse(await File.ReadAllTextAsync(Path.Combine(source, "job.yaml"), Cancel), "job.yaml", source, [], "/").Spec!;
        var data = await DatasetPreparer.PrepareAsync(job, 384, folder.Path, null, Cancel);
        var plan = StepPlan.Create(job, data, TestContext.Current.CancellationToken);

        var expected = (await File.ReadAllLinesAsync(Path.Combine(source, "expected.jsonl"), Cancel)).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal((ulong)expected.Count, plan.TotalSteps);
        foreach (var line in expected)
        {
            var number = line.GetProperty("step").GetUInt64();
            var step = plan.StepAt(number);
            var rate = line.GetProperty("learning_rate").GetDouble();
            Assert.Equal(line.GetProperty("label_tokens").GetUInt64(), step.LabelTokens);
            Assert.Equal(rate, plan.LearningRateAt(number), 1e-12 * Math.Max(1, rate));
            Assert.Equal((float)rate, step.LearningRate);
        }

        using var eval = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(source, "eval.json"), Cancel));
        Assert.Equal(eval.RootElement.GetProperty("label_tokens").GetInt32(), data.Eval!.LabelCounts.Sum());
        Assert.Equal(Enumerable.Range(0, 16).Select(sample => (uint)sample), plan.Evaluation.SelectMany(microBatch => microBatch.Samples));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
