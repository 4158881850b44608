using System.Globalization;
using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Protos.Faults;

namespace Orchestrator.Integration.Tests.Checkpoints;

/// <summary>A small job with dropout, moments and evaluations, whose runs are killed; each run has a folder of its own, and so has the one that nobody disturbs.</summary>
public sealed class KilledJob : IDisposable
{
    private const int Steps = 20;
    // Of each sample, which is a micro-batch of its own.
    private const int LabelsAMicroBatch = 22;

    private readonly TemporaryFolder _folder = new();

    public KilledJob()
    {
        _folder.Copy(Path.Combine(Repository.Fixture("training", "nf4-adamw-linear"), "base"), "base");
        string Row(int i) => $$"""{"input_ids": [{{string.Join(", ", Enumerable.Range(0, 24).Select(j => (1 + ((i * 7) + (j * (3 + (i % 5))))) % 60))}}], "labels": [-100, -100, {{string.Join(", ", Enumerable.Range(2, 22).Select(j => (1 + ((i * 7) + (j * (3 + (i % 5))))) % 60))}}]}""";
        _folder.Write("train.jsonl", string.Concat(Enumerable.Range(0, 50).Select(i => Row(i) + "\n")));
        _folder.Write("eval.jsonl", string.Concat(Enumerable.Range(100, 5).Select(i => Row(i) + "\n")));
        _folder.Write("job.yaml", $$"""
            model: base
            adapter: {r: 64, lora_alpha: 64, lora_dropout: 0.1}
            data: {train: train.jsonl, eval: eval.jsonl, format: tokens, packing: false}
            training: {max_steps: {{Steps}}, global_batch_size: 8, micro_batch_size: 1, eval_steps: 4, learning_rate: 1.0e-3, weight_decay: 0.1}
            resources: {compute_threads: 1}
            """);
        Quiet = new RunOutput(_folder["quiet"]);
        var result = OrchestratorProcess.Run("train", _folder["job.yaml"], "--out", Quiet.Folder);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    /// <summary>The run that nobody disturbs.</summary>
    internal RunOutput Quiet { get; }

    /// <summary>Starts a run that saves every second step and kills all its processes at a moment.</summary>
    /// <returns>The run's folder, and the steps that have a manifest then.</returns>
    internal (RunOutput Output, IReadOnlyList<int> Checkpoints) Kill(string name, int replicas, int stages, Func<string, bool> moment)
    {
        string output = _folder[name];
        using var process = OrchestratorProcess.Start([.. Arguments(output, replicas, stages), "--set", "training.save_steps=2"]);
        Assert.True(process.WaitUntil(() => Directory.Exists(Path.Combine(output, "checkpoints"))), process.Errors);
        int[] all = [process.Id, .. process.Children()];
        Assert.True(SpinWait.SpinUntil(() => moment(output), TimeSpan.FromMinutes(1)), process.Errors);
        OrchestratorProcess.KillAtOnce(all);
        var result = process.Finish();
        Assert.True(result.ExitCode == 128 + 9, result.ToString());
        return (new RunOutput(output), CheckpointsIn(output));
    }

    /// <summary>Runs the job, built with fault points, and lets the first process that comes to one die there.</summary>
    /// <param name="run">A new run, or one that is to go on.</param>
    /// <param name="point">Where.</param>
    /// <param name="step">At which step.</param>
    /// <param name="replicas">Pipelines.</param>
    /// <param name="stages">Stages of each.</param>
    /// <param name="everybody">Whether the others die with it.</param>
    internal RunResult FailAt(RunOutput run, FaultPoint point, int step, int replicas, int stages, bool everybody = false)
    {
        Assert.True(File.Exists(Repository.CoordinatorWithFaults), $"{Repository.CoordinatorWithFaults} is missing: dotnet build -c Debug coordinator");
        string marker = _folder[$"{Guid.NewGuid():N}.died"];
        using var process = OrchestratorProcess.StartProgram(
            Repository.CoordinatorWithFaults,
            [.. Arguments(run.Folder, replicas, stages), "--resume", "--set", "training.save_steps=2"],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_FAIL_AT"] = $"{point}:{step}:{marker}" });
        if (everybody && process.WaitUntil(() => File.Exists(marker)))
        {
            // Its workers end with it.
            OrchestratorProcess.KillAtOnce([process.Id]);
        }

        var result = process.Finish();
        Assert.True(File.Exists(marker), $"nobody came to {point} of step {step}\n{result}");
        return result;
    }

    /// <summary>A run that is yet to begin, in a folder of its own.</summary>
    internal RunOutput Begin(string name) => new(_folder[name]);

    /// <summary>Goes on with a run, or begins it, and sends Ctrl-C at a moment.</summary>
    internal RunResult Interrupt(RunOutput run, int replicas, int stages, Func<string, bool> moment)
    {
        using var process = OrchestratorProcess.Start([.. Arguments(run.Folder, replicas, stages), "--resume"]);
        Assert.True(process.WaitUntil(() => moment(run.Folder)), process.Errors);
        OrchestratorProcess.Signal(process.Id, "INT");
        return process.Finish();
    }

    /// <summary>Goes on with a run, on any layout.</summary>
    internal RunResult Resume(RunOutput run, int replicas, int stages, params string[] set) =>
        OrchestratorProcess.Run([.. Arguments(run.Folder, replicas, stages), "--resume", "--json", .. set.SelectMany(key => new[] { "--set", key })]);

    /// <summary>Goes on with a run, on any layout, from its newest whole checkpoint; nothing else is done again, and in the end everything is as if nobody had disturbed it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="checkpoint">The step of that checkpoint; 0: there is none.</param>
    /// <param name="replicas">Pipelines.</param>
    /// <param name="stages">Stages of each.</param>
    internal RunResult GoesOn(RunOutput run, int checkpoint, int replicas, int stages)
    {
        var result = Resume(run, replicas, stages);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(checkpoint, ResumedAt(run));
        // What was done again, by the workers' own account: each stage ran each micro-batch of the later steps once; every seventh step is the short end of an epoch.
        long microBatches = result.LastJson.GetProperty("workers").EnumerateArray().Sum(worker => worker.GetProperty("micro_batches_run").GetInt64());
        Assert.Equal(Quiet.Steps.Skip(checkpoint).Sum(step => step.LabelTokens) / LabelsAMicroBatch * stages, microBatches);
        AssertQuiet(run);
        Assert.True(run.Json(Path.Combine("adapter", "lineage.json")).GetProperty("bit_identical").GetBoolean());
        return result;
    }

    /// <summary>Bytes, losses and norms are those of the run that nobody disturbed.</summary>
    internal void AssertQuiet(RunOutput run)
    {
        Assert.True(Quiet.AdapterBytes.SequenceEqual(run.AdapterBytes), "the adapter differs from that of the run that nobody disturbed");
        Assert.Equal(Quiet.Steps, run.Steps);
        Assert.Equal(Quiet.Evaluations, run.Evaluations);
    }

    /// <summary>The step that a run went on from, the last time that it did.</summary>
    internal static int ResumedAt(RunOutput run) =>
        run.Lines("events.jsonl").Last(line => line.GetProperty("event").GetString() == "resume").GetProperty("step").GetInt32();

    /// <summary>True once metrics.jsonl holds a step.</summary>
    internal static bool HasStep(string output, int step)
    {
        string metrics = Path.Combine(output, "metrics.jsonl");
        return File.Exists(metrics) && File.ReadAllText(metrics).Contains($"\"step\":{step.ToString(CultureInfo.InvariantCulture)},\"epoch\"", StringComparison.Ordinal);
    }

    /// <summary>The steps of an output folder that have a manifest, in order.</summary>
    internal static IReadOnlyList<int> CheckpointsIn(string output) => !Directory.Exists(Path.Combine(output, "checkpoints")) ? [] :
        [.. Directory.EnumerateFiles(Path.Combine(output, "checkpoints"), "manifest.json", SearchOption.AllDirectories)
            .Select(file => int.Parse(Path.GetFileName(Path.GetDirectoryName(file)!)["step-".Length..], CultureInfo.InvariantCulture)).Order()];

    public void Dispose() => _folder.Dispose();

    private string[] Arguments(string output, int replicas, int stages) =>
        ["train", _folder["job.yaml"], "--out", output, "--workers", $"{replicas * stages}", "--set", $"layout={{replicas: {replicas}, stages: {stages}}}"];
}
