using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>A small job that works, to be broken by a test, in a folder that shows whatever its run leaves.</summary>
/// <remarks>HOME and the folder for temporary files lie in there, too, and so does the output, two folders deep where there was none.</remarks>
internal sealed class WorkingJob : IDisposable
{
    public const string Row = """{"input_ids": [1, 5, 6, 7], "labels": [-100, 5, 6, 7]}""";

    private readonly TemporaryFolder _folder = new();
    private SortedDictionary<string, string> _before = [];

    public WorkingJob()
    {
        _folder.Copy(Path.Combine(Repository.Fixture("training", "nf4-adamw-linear"), "base"), "base");
        _folder.Write("train.jsonl", string.Concat(Enumerable.Repeat(Row + "\n", 8)));
        _folder.Write("job.yaml", """
            model: base
            adapter:
              r: 4
              lora_alpha: 8
              target_modules: all-linear
            data:
              train: train.jsonl
              format: tokens
            training:
              optimizer: adamw
              global_batch_size: 4
              max_steps: 2
            """);
        Directory.CreateDirectory(_folder["tmp"]);
        Directory.CreateDirectory(_folder["home"]);
        Output = _folder["runs", "out"];
        Environment = new(StringComparer.Ordinal) { ["HOME"] = _folder["home"], ["TMPDIR"] = _folder["tmp"] };
    }

    public Dictionary<string, string> Environment { get; }

    public string Output { get; set; }

    public string Metrics => Path.Combine(Output, "metrics.jsonl");

    public string this[params string[] parts] => _folder[parts];

    /// <summary>Trains to the end.</summary>
    public RunResult Train(params string[] options)
    {
        using var process = StartTraining(options);
        return process.Finish();
    }

    public OrchestratorProcess StartTraining(params string[] options) => Start([], [Repository.Coordinator, .. TrainArguments(options)]);

    /// <summary>Starts the coordinator under another program.</summary>
    public OrchestratorProcess Start(string[] wrapper, params string[] command)
    {
        _before = FolderListing.Of(_folder.FullPath);
        string[] line = [.. wrapper, .. command];
        return OrchestratorProcess.StartProgram(line[0], line[1..], Environment);
    }

    public string[] TrainArguments(params string[] options) => ["train", _folder["job.yaml"], "--out", Output, .. options];

    /// <summary>A worker program that does what the lines of a shell script say.</summary>
    public void UseWorker(string script)
    {
        Environment["ORCHESTRATOR_WORKER"] = _folder.WriteProgram("worker.sh", $"#!/bin/sh\n{script}\n");
    }

    /// <summary>Starts a training without an end with two workers, and waits until it makes steps.</summary>
    public OrchestratorProcess StartLong()
    {
        Replace("max_steps: 2", "max_steps: 100000");
        var process = StartTraining("--workers", "2");
        Assert.True(process.WaitUntil(() => File.Exists(Metrics) && new FileInfo(Metrics).Length > 2000), process.Errors);
        return process;
    }

    public void Replace(string what, string with, string file = "job.yaml")
    {
        string text = File.ReadAllText(_folder[file]);
        Assert.Contains(what, text, StringComparison.Ordinal);
        File.WriteAllText(_folder[file], text.Replace(what, with, StringComparison.Ordinal));
    }

    public void ReplaceBytes(string what, string with, string file)
    {
        byte[] bytes = File.ReadAllBytes(_folder[file]);
        int at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(what));
        Assert.True(at >= 0);
        Encoding.ASCII.GetBytes(with).CopyTo(bytes, at);
        File.WriteAllBytes(_folder[file], bytes);
    }

    /// <summary>Everything is as it was before the run: nothing new, nothing changed, also no temporary file.</summary>
    public void AssertUntouched() => Assert.Equal(_before, FolderListing.Of(_folder.FullPath));

    /// <summary>The run left whole files of a run, the data that was prepared for it and nothing else: perhaps checkpoints, no adapter, no journal, no temporary file anywhere.</summary>
    public void AssertOnlyWholeFiles()
    {
        var listing = FolderListing.Of(_folder.FullPath);
        string output = Path.GetRelativePath(_folder.FullPath, Output);
        string[] known = ["events.jsonl", "job.yaml", "metrics.jsonl", "plan.json", "run.log"];
        string[] data = PreparedData();
        Assert.Contains(data, name => name.EndsWith(".blob", StringComparison.Ordinal));
        string[] own = [.. known.Concat(data).Select(name => Path.Combine(output, name)), output, Path.GetDirectoryName(output)!];
        // Whole checkpoints: a blob or a manifest under its name, nothing that is being written. The empty folder says whose the output was.
        var checkpoint = new Regex($"^{Regex.Escape(output)}/(\\.owner-job-[0-9a-f]+-\\d+|checkpoints)(/step-\\d+(/(manifest\\.json|[0-9a-f]{{64}}\\.blob))?)?$", RegexOptions.None, TimeSpan.FromSeconds(1));
        Assert.Equal(
            _before,
            new SortedDictionary<string, string>(
                listing.Where(entry => _before.ContainsKey(entry.Key) || !(own.Contains(entry.Key) || checkpoint.IsMatch(entry.Key))).ToDictionary(), StringComparer.Ordinal));
        Assert.Contains("resources:", File.ReadAllText(Path.Combine(Output, "job.yaml")), StringComparison.Ordinal);
        foreach (string file in known.Select(name => Path.Combine(Output, name)).Where(file => File.Exists(file) && Path.GetExtension(file) != ".yaml"))
        {
            AssertWhole(file);
        }
    }

    /// <summary>The work folder with prepared data: shards by their digests, and what says of what they were made; relative to the output.</summary>
    public string[] PreparedData()
    {
        const string Work = ".orchestrator", Data = $"{Work}/data";
        string[] kinds = [".blob", ".prepared", ".report.json"];
        var names = new DirectoryInfo(Path.Combine(Output, Data)).EnumerateFiles().Select(file => file.Name).ToList();
        Assert.All(names, name => Assert.Contains(kinds, kind => name.EndsWith(kind, StringComparison.Ordinal) && name.Length == 64 + kind.Length));
        return [Work, Data, .. names.Select(name => $"{Data}/{name}")];
    }

    public void Dispose() => _folder.Dispose();

    private static void AssertWhole(string file)
    {
        string text = File.ReadAllText(file);
        if (Path.GetExtension(file) == ".json")
        {
            using var whole = JsonDocument.Parse(text);
            return;
        }

        if (Path.GetExtension(file) == ".jsonl")
        {
            Assert.EndsWith("}\n", text, StringComparison.Ordinal);
            Assert.All(text.TrimEnd('\n').Split('\n'), line => JsonDocument.Parse(line).Dispose());
        }
    }
}
