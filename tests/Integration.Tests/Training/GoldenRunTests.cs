using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Training;

/// <summary>Whole runs of the reference, repeated through real processes.</summary>
/// <remarks>
/// Tolerances: losses relative, adapter absolute, as measured for the reference itself (fixtures/training). Before the first step nothing has grown yet, so that
/// loss has a tolerance of its own.
/// </remarks>
public sealed class GoldenRunTests
{
    [Theory]
    [InlineData("nf4-adamw-linear", 1e-4, 1e-3)]
    [InlineData("lora16-cosine-rslora", 1e-4, 1e-3)]
    [InlineData("fp4-patterns", 1e-4, 1e-3)]
    public void Train_GoldenCase_EqualsTheReference(string name, double lossTolerance, double adapterTolerance)
    {
        using var run = new GoldenRun(name);
        foreach (var (expected, actual) in run.Expected.Zip(run.Output.Steps))
        {
            Compare(expected, actual, lossTolerance, lossTolerance);
        }

        CompareEnds(run, 1e-4, lossTolerance, adapterTolerance);
    }

    /// <summary>A chaotic run on purpose: exact while rounding has not grown, then near.</summary>
    [Fact]
    public void Train_ChaoticGoldenCase_EqualsTheReferenceWhileRoundingIsSmall()
    {
        using var run = new GoldenRun("nf4-sgd-constant");
        foreach (var (expected, actual) in run.Expected.Zip(run.Output.Steps))
        {
            bool early = actual.Step <= 20;
            Compare(expected, actual, early ? 1e-5 : 5e-3, early ? 1e-4 : 1e-1);
        }

        CompareEnds(run, 1e-5, 5e-3, 5e-2);
    }

    private static void Compare(JsonElement expected, StepLine actual, double lossTolerance, double normTolerance)
    {
        Assert.Equal(expected.GetProperty("step").GetInt32(), actual.Step);
        Assert.Equal(expected.GetProperty("label_tokens").GetInt64(), actual.LabelTokens);
        Near("loss", expected.GetProperty("loss").GetDouble(), actual.Loss, lossTolerance, actual.Step);
        Near("grad_norm", expected.GetProperty("grad_norm").GetDouble(), actual.GradNorm, normTolerance, actual.Step);
        Near("learning_rate", expected.GetProperty("learning_rate").GetDouble(), actual.LearningRate, 1e-6, actual.Step);
    }

    private static void CompareEnds(GoldenRun run, double beforeTolerance, double afterTolerance, double adapterTolerance)
    {
        Assert.Equal(run.Expected.Count, run.Output.Steps.Count);
        var before = run.Output.Evaluations[0];
        var after = run.Output.Evaluations[^1];
        Assert.Equal(0, before.Step);
        Assert.Equal(run.Expected.Count, after.Step);
        Assert.Equal(run.Evaluation.GetProperty("label_tokens").GetInt64(), after.LabelTokens);
        Near("eval loss before", run.Evaluation.GetProperty("before").GetDouble(), before.Loss, beforeTolerance, 0);
        Near("eval loss after", run.Evaluation.GetProperty("after").GetDouble(), after.Loss, afterTolerance, after.Step);

        AdapterComparison.AssertNear(run.FinalAdapter, run.Output.AdapterFile, adapterTolerance);
    }

    private static void Near(string what, double expected, double actual, double tolerance, int step) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Abs(expected), $"step {step}: {what} {actual}, expected {expected}, allowed {tolerance} relative");

    private sealed class GoldenRun : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly string _case;

        public GoldenRun(string name)
        {
            _case = Repository.Fixture("training", name);
            var result = OrchestratorProcess.Run("train", Path.Combine(_case, "job.yaml"), "--out", _folder["out"], "--json");
            Assert.True(result.ExitCode == 0, result.ToString());
            Output = new RunOutput(_folder["out"]);
            Expected = [.. File.ReadLines(Path.Combine(_case, "expected.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
            Evaluation = JsonDocument.Parse(File.ReadAllText(Path.Combine(_case, "eval.json"))).RootElement;
        }

        public RunOutput Output { get; }

        public IReadOnlyList<JsonElement> Expected { get; }

        public JsonElement Evaluation { get; }

        public string FinalAdapter => Path.Combine(_case, "final", "adapter_model.safetensors");

        public void Dispose() => _folder.Dispose();
    }
}
