
namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>A user's mistakes: each ends with its exit code and one clear sentence, and leaves everything as it was.</summary>
public sealed class WrongInputTests
{
    private const string Row = WorkingJob.Row;

    public static TheoryData<string> Names => [.. Cases.Keys];

    /// <summary>By name: what is broken in a working job, and the patterns of the sentences that must come.</summary>
    private static Dictionary<string, (Action<WorkingJob> Break, string[] Sentences)> Cases { get; } = new(StringComparer.Ordinal)
    {
        ["job file missing"] = (job => File.Delete(job["job.yaml"]), ["job\\.yaml does not exist"]),
        ["unknown key"] = (job => job.Replace("lora_alpha", "lora_alhpa"), ["job\\.yaml.*line 4.*column 3.*lora_alhpa.*lora_alpha"]),
        ["wrong type"] = (job => job.Replace("r: 4", "r: four"), ["job\\.yaml.*line 3.*column 6.*r\\b.*(number|integer)"]),
        ["several errors at once"] = (job =>
        {
            job.Replace("lora_alpha", "lora_alhpa");
            job.Replace("r: 4", "r: four");
            job.Replace("max_steps: 2", "max_steps: -2");
        }, ["line 3, column 6.*\\br\\b", "line 4, column 3.*lora_alhpa", "line 12, column 14.*max_steps"]),
        ["not YAML"] = (job => File.WriteAllText(job["job.yaml"], "model: [unclosed\nadapter: {"), ["job\\.yaml.*line \\d+"]),
        ["not built yet"] = (job => job.Replace("optimizer: adamw", "optimizer: lion"), ["lion.*not built yet"]),
        ["no model folder"] = (job => Directory.Delete(job["base"], recursive: true), ["job\\.yaml, line 1, column 8: model: '.*base' does not exist"]),
        ["unreadable config"] = (job => File.WriteAllText(job["base", "config.json"], "{ \"model_type\": "), ["config\\.json"]),
        ["unsupported family"] = (job => job.Replace("\"model_type\": \"llama\"", "\"model_type\": \"bloom\"", "base/config.json"), ["bloom.*llama, mistral, qwen2"]),
        ["missing tensor"] = (job => job.ReplaceBytes("model.norm.weight", "model.mrom.weight", "base/model.safetensors"), ["model\\.norm\\.weight is missing in .*base"]),
        ["no weights"] = (job => File.Delete(job["base", "model.safetensors"]), ["base.*model\\.safetensors"]),
        ["no label token"] = (job => File.WriteAllText(job["train.jsonl"], Row.Replace("5, 6, 7]}", "-100, -100, -100]}", StringComparison.Ordinal) + "\n"), ["\\[no-label-token\\] data\\.train has no label token"]),
        ["doubled BOS"] = (job =>
        {
            job.Replace("model: base", $"model: {Repository.Sample("tiny-llama")}");
            job.Replace("format: tokens", "format: text");
            File.WriteAllText(job["train.jsonl"], "{\"text\": \"<|begin_of_text|><|begin_of_text|>hello\"}\n");
        }, ["\\[doubled-bos\\] train\\.jsonl, line 1: the sample begins with <\\|begin_of_text\\|> twice"]),
        ["malformed row"] = (job => File.WriteAllText(job["train.jsonl"], Row + "\n{\"input_ids\": [1, 2\n"), ["train\\.jsonl.*2"]),
        ["token beyond the vocabulary"] = (job => File.WriteAllText(job["train.jsonl"], Row.Replace("[1, 5", "[1, 99999", StringComparison.Ordinal) + "\n"), ["train\\.jsonl.*99999"]),
        ["missing dataset"] = (job => File.Delete(job["train.jsonl"]), ["job\\.yaml, line 7, column 10: data\\.train: '.*train\\.jsonl' does not exist"]),
        ["neither model nor data"] = (job =>
        {
            Directory.Delete(job["base"], recursive: true);
            File.Delete(job["train.jsonl"]);
            job.Replace("format: tokens", "format: tokens\n  eval: none.jsonl");
        }, ["line 1, column 8: model: ", "line 7, column 10: data\\.train: ", "line 9, column 9: data\\.eval: '.*none\\.jsonl' does not exist"]),
        ["targets that match nothing"] = (job => job.Replace("target_modules: all-linear", "target_modules: [no_such_proj]"), ["no_such_proj"]),
        ["more stages than layers"] = (job => job.Replace("max_steps: 2", "max_steps: 2\nlayout: {replicas: 1, stages: 9}"), ["The layout of 1 replica x 9 stages needs 9 workers, but 1 is to be"]),
        ["skip_modules that is no pattern"] = (job => job.Replace("max_steps: 2", "max_steps: 2\nquantization:\n  skip_modules: [\"*.q_proj\"]"), ["quantization\\.skip_modules: .*\\*\\.q_proj"]),
        ["unknown numeric class"] = (job => job.Replace("max_steps: 2", "max_steps: 2\nresources: {numeric_class: avx1024}"), ["line 13, column 28: resources\\.numeric_class must be portable, avx2.*avx1024"]),
        ["too many threads"] = (job => job.Replace("max_steps: 2", "max_steps: 2\nresources: {compute_threads: 1025}"), ["line 13, column 30: resources\\.compute_threads must be .* from 1 to 1024.*1025"]),
        ["more replicas than slots"] = (job => job.Replace("max_steps: 2", "max_steps: 2\n  reduction_slots: 2\nlayout: {replicas: 4, stages: 1}"), ["reduction_slots"]),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Train_WrongInput_EndsWithOneSentenceAndNothingWritten(string name)
    {
        using var job = new WorkingJob();
        Cases[name].Break(job);
        Refusal.Check(job.Train("--workers", "1"), 2, Cases[name].Sentences);
        job.AssertUntouched();
    }

    [Fact]
    public void Train_MoreStagesThanLayers_EndsWithOneSentenceAndNothingWritten()
    {
        using var job = new WorkingJob();
        Refusal.Check(job.Train("--set", "layout={replicas: 1, stages: 9}", "--workers", "9"), 2, "layout\\.stages is 9.*has only \\d layers");
        job.AssertUntouched();
    }

    [Fact]
    public void Train_WorkingJob_RunsSoThatTheTableBreaksSomethingReal()
    {
        using var job = new WorkingJob();
        var result = job.Train();
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches(@"(?m)^step 1/2  loss \d\.\d{4}  grad norm \d\.\d{4}  lr \S+  \S+ tokens/s  \d+ s left$", result.Errors);
        Assert.Matches(@"(?m)^running$[\s\S]*^succeeded$", result.Errors);
        Assert.Matches(@"\nloss  \d\.\d{4} (▁█|█▁|▁▁) \d\.\d{4}\n$", result.Errors);
        Assert.DoesNotContain("\u001b", result.Errors + result.Output, StringComparison.Ordinal);
        Assert.Matches(@"^adapter    \S+/adapter\nspeed      \S+ tokens/s\n$", result.Output);

        // Whose the folder was; nothing lies in it.
        string owner = Path.GetFileName(Assert.Single(Directory.EnumerateDirectories(job.Output, ".owner-job-*")));
        Assert.Equal(
            new[] { owner, "adapter", "checkpoints", "events.jsonl", "job.yaml", "metrics.jsonl", "plan.json", "run.log" }.Concat(job.PreparedData()).Order(StringComparer.Ordinal),
            FolderListing.Of(job.Output).Keys.Where(name => !name.StartsWith("adapter/", StringComparison.Ordinal) && !name.StartsWith("checkpoints/", StringComparison.Ordinal)));

        Refusal.Check(job.Train(), 2, "out holds a run already.*--overwrite");
        job.AssertUntouched();
        var finished = job.Train("--resume");
        Assert.Matches(@"(?m)^succeeded: The run is finished already, with all its 2 steps: nothing is left to do\.$", finished.Errors);
        Assert.Equal(0, finished.ExitCode);
        Assert.Matches(@"^adapter    \S+/adapter\n$", finished.Output);
        job.AssertUntouched();
        Refusal.Check(job.Train("--resume", "--set", "training.max_steps=3"), 2, "holds the run of another job .*--overwrite");
        job.AssertUntouched();
        var overwritten = job.Train("--overwrite");
        Assert.True(overwritten.ExitCode == 0, overwritten.ToString());
    }

    /// <summary>As a user without rights: root reads everything unless the capability is taken away.</summary>
    [Theory]
    [InlineData("base/model.safetensors", "model\\.safetensors cannot be read: .*denied")]
    [InlineData("base", "base.*denied")]
    public void Train_UnreadableModel_EndsWithOneSentenceAndNothingWritten(string path, string sentence)
    {
        using var job = new WorkingJob();
        string[] withoutRights = Environment.IsPrivilegedProcess ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"] : [];
        using var process = job.Start(withoutRights, ["/bin/sh", "-c", $"chmod 0 {job[path]} && exec \"$@\"", "sh", Repository.Coordinator, .. job.TrainArguments()]);
        var result = process.Finish();
        File.SetUnixFileMode(job[path], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Refusal.Check(result, 2, sentence);
        job.AssertUntouched();
    }
}
