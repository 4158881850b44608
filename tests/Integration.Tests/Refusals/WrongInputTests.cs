using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>A user's mistakes: each ends with its exit code and one clear sentence, and leaves nothing half-written.</summary>
public sealed class WrongInputTests
{
    private const string Row = """{"input_ids": [1, 5, 6, 7], "labels": [-100, 5, 6, 7]}""";

    public static TheoryData<string> Names => [.. Cases.Keys];

    /// <summary>By name: what is broken in a working job, and the pattern of the sentence that must come.</summary>
    private static Dictionary<string, (Action<TemporaryFolder> Break, string Sentence)> Cases { get; } = new(StringComparer.Ordinal)
    {
        ["job file missing"] = (f => File.Delete(f["job.yaml"]), "job\\.yaml.*(does not exist|not found|no such file)"),
        ["unknown key"] = (f => Replace(f, "lora_alpha", "lora_alhpa"), "job\\.yaml.*line 4.*column \\d+.*lora_alhpa.*lora_alpha"),
        ["wrong type"] = (f => Replace(f, "r: 4", "r: four"), "job\\.yaml.*line 3.*column \\d+.*r\\b.*(number|integer)"),
        ["several errors at once"] = (f =>
        {
            Replace(f, "lora_alpha", "lora_alhpa");
            Replace(f, "r: 4", "r: four");
            Replace(f, "max_steps: 2", "max_steps: -2");
        }, "(?s)line 3.*line 4.*max_steps"),
        ["not YAML"] = (f => File.WriteAllText(f["job.yaml"], "model: [unclosed\nadapter: {"), "job\\.yaml.*line \\d+"),
        ["not built yet"] = (f => Replace(f, "optimizer: adamw", "optimizer: lion"), "lion.*not built yet"),
        ["no model folder"] = (f => Directory.Delete(f["base"], recursive: true), "base.*(does not exist|no such folder)"),
        ["unreadable config"] = (f => File.WriteAllText(f["base", "config.json"], "{ \"model_type\": "), "config\\.json"),
        ["unsupported family"] = (f => ReplaceIn(f["base", "config.json"], "\"model_type\": \"llama\"", "\"model_type\": \"bloom\""), "bloom.*llama"),
        ["missing tensor"] = (f => ReplaceBytes(f["base", "model.safetensors"], "model.norm.weight", "model.mrom.weight"), "model\\.norm\\.weight is missing in .*base"),
        ["truncated safetensors"] = (f => Truncate(f["base", "model.safetensors"], 4096), "model\\.safetensors"),
        ["no weights"] = (f => File.Delete(f["base", "model.safetensors"]), "base.*model\\.safetensors"),
        ["no label token"] = (f => File.WriteAllText(f["train.jsonl"], Row.Replace("5, 6, 7]}", "-100, -100, -100]}", StringComparison.Ordinal) + "\n"), "data\\.train has no label token"),
        ["malformed row"] = (f => File.WriteAllText(f["train.jsonl"], Row + "\n{\"input_ids\": [1, 2\n"), "train\\.jsonl.*2"),
        ["token beyond the vocabulary"] = (f => File.WriteAllText(f["train.jsonl"], Row.Replace("[1, 5", "[1, 99999", StringComparison.Ordinal) + "\n"), "train\\.jsonl.*99999"),
        ["missing dataset"] = (f => File.Delete(f["train.jsonl"]), "train\\.jsonl"),
        ["targets that match nothing"] = (f => Replace(f, "target_modules: all-linear", "target_modules: [no_such_proj]"), "no_such_proj"),
        ["more stages than layers"] = (f => Replace(f, "max_steps: 2", "max_steps: 2\nlayout: {replicas: 1, stages: 9}"), "9"),
        ["more replicas than slots"] = (f => Replace(f, "max_steps: 2", "max_steps: 2\n  reduction_slots: 2\nlayout: {replicas: 4, stages: 1}"), "reduction_slots|slots"),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Train_WrongInput_EndsWithOneSentenceAndNothingWritten(string name)
    {
        using var folder = WorkingJob();
        Cases[name].Break(folder);
        var result = OrchestratorProcess.Run("train", folder["job.yaml"], "--out", folder["out"], "--workers", "1");
        AssertRefused(result, 2, Cases[name].Sentence);
        AssertNothingWritten(folder);
    }

    [Fact]
    public void Train_WorkingJob_RunsSoThatTheTableBreaksSomethingReal()
    {
        using var folder = WorkingJob();
        var result = OrchestratorProcess.Run("train", folder["job.yaml"], "--out", folder["out"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("tokens/s", result.Output + result.Errors, StringComparison.Ordinal);

        var again = OrchestratorProcess.Run("train", folder["job.yaml"], "--out", folder["out"]);
        AssertRefused(again, 2, "out.*(--resume|--overwrite)");
        var resumed = OrchestratorProcess.Run("train", folder["job.yaml"], "--out", folder["out"], "--resume");
        AssertRefused(resumed, 2, "checkpoints, which are not built yet");
        var overwritten = OrchestratorProcess.Run("train", folder["job.yaml"], "--out", folder["out"], "--overwrite");
        Assert.True(overwritten.ExitCode == 0, overwritten.ToString());
    }

    [Fact]
    public void Train_UnreadableModelFolder_EndsWithOneSentence()
    {
        using var folder = WorkingJob();
        // As a user without rights: root reads everything.
        File.SetUnixFileMode(folder["base", "model.safetensors"], UnixFileMode.None);
        string command = $"exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME={folder.FullPath} {Repository.Coordinator} train {folder["job.yaml"]} --out {folder["out"]}";
        File.SetUnixFileMode(folder.FullPath, (UnixFileMode)0b111_111_111);
        using var process = OrchestratorProcess.StartProgram("/bin/sh", ["-c", command]);
        AssertRefused(process.Finish(), 2, "model\\.safetensors.*(denied|read)");
    }

    [Fact]
    public void Train_FullDisk_FailsWithOneSentenceAndLeavesNothingHalfWritten()
    {
        using var folder = WorkingJob();
        Directory.CreateDirectory(folder["disk"]);
        Shell($"mount -t tmpfs -o size=400k tmpfs {folder["disk"]}");
        try
        {
            var result = OrchestratorProcess.Run("train", folder["job.yaml"], "--out", folder["disk", "out"]);
            AssertRefused(result, 1, "disk.*(full|no space|space)");
            Assert.Empty(Directory.Exists(folder["disk", "out"])
                ? Directory.EnumerateFiles(folder["disk", "out"], "*.tmp*", SearchOption.AllDirectories)
                : []);
            Assert.False(Directory.Exists(folder["disk", "out", "adapter"]), "half an adapter was left");
        }
        finally
        {
            Shell($"umount {folder["disk"]}");
        }
    }

    [Fact]
    public void Train_WorkerThatDiesAtStart_FailsWithItsLastWords()
    {
        using var folder = WorkingJob();
        string dying = folder.Write("worker.sh", "#!/bin/sh\necho 'no driver on this machine' >&2\nexit 134\n");
        File.SetUnixFileMode(dying, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_WORKER"] = dying };
        using var process = OrchestratorProcess.StartProgram(Repository.Coordinator, ["train", folder["job.yaml"], "--out", folder["out"]], environment);
        AssertRefused(process.Finish(), 1, "worker-0.*exit code 134.*no driver on this machine");
        Assert.False(Directory.Exists(folder["out", "adapter"]));
    }

    [Fact]
    public void Train_WorkerKilledInTheMiddle_FailsAndNamesIt()
    {
        using var folder = WorkingJob();
        Replace(folder, "max_steps: 2", "max_steps: 100000");
        using var process = OrchestratorProcess.Start("train", folder["job.yaml"], "--out", folder["out"], "--workers", "2");
        string metrics = folder["out", "metrics.jsonl"];
        Assert.True(process.WaitUntil(() => File.Exists(metrics) && new FileInfo(metrics).Length > 2000), process.Errors);
        OrchestratorProcess.Kill(process.Children()[0]);
        var result = process.Finish();
        AssertRefused(result, 1, "worker-\\d+.*(lost|died|ended).*recovery is not built yet");
        Assert.False(Directory.Exists(folder["out", "adapter"]));
    }

    [Fact]
    public void Train_CoordinatorKilled_LeavesNoWorker()
    {
        using var folder = WorkingJob();
        Replace(folder, "max_steps: 2", "max_steps: 100000");
        using var process = OrchestratorProcess.Start("train", folder["job.yaml"], "--out", folder["out"], "--workers", "2");
        Assert.True(process.WaitUntil(() => File.Exists(folder["out", "metrics.jsonl"])), process.Errors);
        Assert.NotEmpty(process.Children());
        OrchestratorProcess.Kill(process.Id);
        Assert.Empty(process.WaitForNoChildren(TimeSpan.FromSeconds(10)));
    }

    private static TemporaryFolder WorkingJob()
    {
        var folder = new TemporaryFolder();
        folder.Copy(Path.Combine(Repository.Fixture("training", "nf4-adamw-linear"), "base"), "base");
        folder.Write("train.jsonl", string.Concat(Enumerable.Repeat(Row + "\n", 8)));
        folder.Write("job.yaml", """
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
        return folder;
    }

    private static void AssertRefused(RunResult result, int exitCode, string sentence)
    {
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.True(Regex.IsMatch(result.Errors, sentence, RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1)), $"no sentence like {sentence}\n{result}");
        Assert.DoesNotMatch(@"\n\s+at [A-Z]\w+\.", result.Errors);
        Assert.DoesNotContain("Exception", result.Errors, StringComparison.Ordinal);
    }

    private static void AssertNothingWritten(TemporaryFolder folder) =>
        Assert.False(Directory.Exists(folder["out"]) && Directory.EnumerateFileSystemEntries(folder["out"]).Any(), "something was written into the output folder");

    private static void Replace(TemporaryFolder folder, string what, string with) => ReplaceIn(folder["job.yaml"], what, with);

    private static void ReplaceIn(string file, string what, string with)
    {
        string text = File.ReadAllText(file);
        Assert.Contains(what, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(what, with, StringComparison.Ordinal));
    }

    private static void ReplaceBytes(string file, string what, string with)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(what));
        Assert.True(at >= 0);
        Encoding.ASCII.GetBytes(with).CopyTo(bytes, at);
        File.WriteAllBytes(file, bytes);
    }

    private static void Truncate(string file, int bytes)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.SetLength(stream.Length - bytes);
    }

    private static void Shell(string command)
    {
        using var process = Process.Start("/bin/sh", ["-c", command]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
