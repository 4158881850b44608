using System.Text.Json;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Tests.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>inspect says what a path holds, or in one sentence that it knows nothing there.</summary>
public sealed class InspectCommandTests
{
    [Theory]
    [InlineData("models/llama3", """{"kind":"model","family":"llama","layers":2,"parameters":84288,"quantizable_parameters":67584,"tied_head":true}""")]
    [InlineData("adapters/llama3-list", """{"kind":"adapter","base_model":"../../models/llama3","r":4,"adapted_modules":4,"parameters":1792,"lineage":false}""")]
    [InlineData("training/nf4-adamw-linear/train.jsonl", """{"kind":"dataset","format":"tokens"}""")]
    [InlineData("models/llama3/model.safetensors", """{"kind":"safetensors","bytes":168576}""")]
    [InlineData("models/llama/expected.safetensors", """{"kind":"safetensors","metadata":{},"bytes":164696}""")]
    public async Task Run_KnownPath_StatesItsFacts(string path, string expected)
    {
        (int code, string output, string error) = await RunAsync(Fixtures.At(path.Split('/')), json: true);

        Assert.Equal((0, ""), (code, error));
        using JsonDocument facts = JsonDocument.Parse(output);
        using JsonDocument wanted = JsonDocument.Parse(expected);
        Assert.All(wanted.RootElement.EnumerateObject(), property => Assert.Equal(property.Value.GetRawText(), facts.RootElement.GetProperty(property.Name).GetRawText()));
        Assert.Equal(0, (await RunAsync(Fixtures.At(path.Split('/')), json: false)).Code);
    }

    [Fact]
    public async Task Run_RunFolder_StatesProgressAndAdapter()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.At("plan.json"), """{"layout":{"replicas":2,"stages":1}}""", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.At("metrics.jsonl"), """
            {"step":0,"eval_loss":5.5,"eval_label_tokens":10}
            {"step":1,"loss":5.1}
            {"step":2,"loss":null,"skipped":true}
            {"step":2,"eval_loss":4.5,"eval_label_tokens":10}
            {"step":3,"loss":4.1}
            {"step":3,"eval_loss":null,"eval_label_tokens":10}

            """, TestContext.Current.CancellationToken);
        _ = folder.CopyOf(Fixtures.At("adapters", "llama3-list"), "adapter");

        (int code, string output, _) = await RunAsync(folder.Path, json: true);

        using JsonDocument facts = JsonDocument.Parse(output);
        Assert.Equal(0, code);
        Assert.Equal("run 3 4.1 5.5 null", string.Join(' ', new[] { "kind", "last_step", "last_loss", "first_eval_loss", "last_eval_loss" }.Select(name => facts.RootElement.GetProperty(name)).Select(fact => fact.ValueKind == JsonValueKind.Null ? "null" : fact.ToString())));
        Assert.Equal("adapter", facts.RootElement.GetProperty("adapter").GetProperty("kind").GetString());
    }

    [Theory]
    [InlineData("""{"event":"start"}""", "null")]
    [InlineData("""{"event":"finish","reason":"no worker could start"}""", "no worker could start")]
    [InlineData("""{"event":"finish","reason":"cancelled"}|{"event":"resume","reason":"goes on"}""", "null")]
    [InlineData("""{"event":"finish","reason":"cancelled"}|{"event":"resume"}|{"event":"finish","reason":"succeeded"}""", "succeeded")]
    [InlineData("""{"event":"finish","reason":"succeeded"}|{"event":"fin""", "null")]
    public async Task Run_RunFolder_SaysHowItEnded(string events, string expected)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Path);
        await File.WriteAllTextAsync(folder.At("events.jsonl"), events.Replace('|', '\n'), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.At("metrics.jsonl"), "", TestContext.Current.CancellationToken);

        (int code, string output, _) = await RunAsync(folder.Path, json: true);

        using JsonDocument facts = JsonDocument.Parse(output);
        var finish = facts.RootElement.GetProperty("finish");
        Assert.Equal((0, expected), (code, finish.ValueKind == JsonValueKind.Null ? "null" : finish.GetString()));
    }

    [Theory]
    [InlineData("""{"step":1,"step":2,"loss":5.1}""", "metrics.jsonl, line 2: it is not a line of metrics.")]
    [InlineData("""{"step":1,"loss":{"a":1,"a":2}}""", "metrics.jsonl, line 2: it is not a line of metrics.")]
    [InlineData("[1]", "metrics.jsonl, line 2: it is not a line of metrics.")]
    [InlineData("null", "metrics.jsonl, line 2: it is no JSON object.")]
    public async Task Run_RunFolderWithADamagedLine_IsOneSentenceAndTwo(string line, string expected)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Path);
        await File.WriteAllLinesAsync(folder.At("metrics.jsonl"), ["""{"step":0,"eval_loss":5.5}""", line], TestContext.Current.CancellationToken);

        (int code, string output, string error) = await RunAsync(folder.Path, json: false);

        Assert.Equal((2, ""), (code, output));
        Assert.EndsWith(expected, Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_RunFolderWithoutAdapter_SaysSoWhateverElseLiesThere()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("adapter"));
        await File.WriteAllTextAsync(folder.At("adapter/notes.txt"), "mine", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.At("plan.json"), """{"layout":{"replicas":1,"stages":1}}""", TestContext.Current.CancellationToken);

        (int code, string output, _) = await RunAsync(folder.Path, json: true);

        using var facts = JsonDocument.Parse(output);
        Assert.Equal((0, JsonValueKind.Null), (code, facts.RootElement.GetProperty("adapter").ValueKind));
    }

    [Fact]
    public async Task Run_DatasetFolder_StatesEachFile()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.At("a.jsonl"), """{"input_ids":[1,2,3],"labels":[-100,2,3]}""", TestContext.Current.CancellationToken);

        using JsonDocument facts = JsonDocument.Parse((await RunAsync(folder.Path, json: true)).Results);

        Assert.Equal(2, facts.RootElement.GetProperty("files").GetProperty("a.jsonl").GetProperty("label_tokens").GetInt32());
    }

    [Fact]
    public async Task Run_DatasetsWithRowsThatAreWrong_NamesEach()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.At("a.jsonl"), "{\"input_ids\": [1\n{\"input_ids\":[1,2],\"labels\":[1,2]}\n{\"input_ids\":[1,2],\"labels\":[1]}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.At("b.jsonl"), "{\"text\":\"x\"}\n{\"text\":5}\n", TestContext.Current.CancellationToken);

        var all = await RunAsync(folder.Path, json: true);
        var one = await RunAsync(folder.At("a.jsonl"), json: false);

        Assert.Equal((2, ""), (all.Code, all.Results));
        Assert.Equal((2, ""), (one.Code, one.Results));
        string[] places = [$"error: {folder.At("a.jsonl")}, line 1: ", $"error: {folder.At("a.jsonl")}, line 3: ", $"error: {folder.At("b.jsonl")}, line 2: "];
        Assert.All(all.Messages.TrimEnd().Split('\n').Zip(places), pair => Assert.StartsWith(pair.Item2, pair.Item1, StringComparison.Ordinal));
        Assert.Equal(3, all.Messages.TrimEnd().Split('\n').Length);
        Assert.Equal(all.Messages.Split('\n')[..2], one.Messages.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Run_Checkpoint_StatesItsStepAndChecksEveryLayer()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("checkpoints"));
        var store = new CheckpointStore(folder.At("checkpoints"));
        var checkpoint = Manifests.Write(store, 4);
        Manifests.WriteBlob(store.Of(6), 0, 6);
        await File.WriteAllTextAsync(folder.At("metrics.jsonl"), "", TestContext.Current.CancellationToken);

        using var facts = JsonDocument.Parse((await RunAsync(checkpoint, json: true)).Results);
        Assert.Equal(
            "checkpoint 4 32 hash cpu/avx2/libtorch-2.10/kernels-1/threads-1 True bfloat16 2 x 3 (replicas x stages) 3 True",
            string.Join(' ', new[] { "kind", "step", "samples_taken", "job_hash", "numeric_class", "class_changed", "compute_dtype", "layout", "fence", "complete" }.Select(name => facts.RootElement.GetProperty(name).ToString())));
        Assert.Equal(["0 ok", "3 ok"], facts.RootElement.GetProperty("blobs").EnumerateArray().Select(blob => $"{blob.GetProperty("layer")} {blob.GetProperty("check").GetString()}"));
        using var run = JsonDocument.Parse((await RunAsync(folder.Path, json: true)).Results);
        Assert.Equal("[4]", JsonSerializer.Serialize(run.RootElement.GetProperty("checkpoints")));

        var blob = Directory.EnumerateFiles(checkpoint, "*.blob").First();
        await File.WriteAllTextAsync(blob, "torn", TestContext.Current.CancellationToken);
        (int code, string output, _) = await RunAsync(checkpoint, json: false);
        Assert.Equal(1, code);
        Assert.Matches(@"complete +false[\s\S]* is damaged: it has 4 bytes, too few for a blob\.", output);

        Assert.Matches("step-6 is no checkpoint: it has no manifest.json", (await RunAsync(store.Of(6), json: false)).Messages);
        await File.WriteAllTextAsync(Path.Combine(checkpoint, "manifest.json"), "{", TestContext.Current.CancellationToken);
        Assert.Equal(2, (await RunAsync(checkpoint, json: false)).Code);
    }

    [Theory]
    [InlineData("nothing", "does not exist")]
    [InlineData("facts.json", "holds nothing that is known here")]
    [InlineData("", "holds nothing that is known here")]
    public async Task Run_UnknownPath_IsOneSentenceAndTwo(string name, string expected)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.At("facts.json"), "{}", TestContext.Current.CancellationToken);

        (int code, string output, string error) = await RunAsync(folder.At(name), json: false);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    private static Task<CommandRun> RunAsync(string path, bool json) => CommandRun.RunAsync(["inspect", path, .. json ? ["--json"] : Array.Empty<string>()]);
}
