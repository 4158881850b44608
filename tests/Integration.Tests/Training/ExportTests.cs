using System.Text.Json;
using Orchestrator.Coordinator.Models;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Training;

/// <summary>The adapter that a run leaves: PEFT's keys and nothing else, and the same model that training saw.</summary>
public sealed class ExportTests
{
    [Fact]
    public void Train_NewAdapter_HasPeftsFilesKeysAndConfigAndScoresAsTrainingSaw()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["train.jsonl"], File.ReadLines(Repository.Sample("orders.jsonl")).Take(32));
        File.WriteAllLines(folder["eval.jsonl"], File.ReadLines(Repository.Sample("orders-eval.jsonl")).Take(10));
        var result = OrchestratorProcess.Run("train", Repository.Sample("orders.yaml"), "--out", folder["out"], "--json", "--set", $"data.train={folder["train.jsonl"]}",
            "--set", $"data.eval={folder["eval.jsonl"]}", "--set", "training.max_steps=6", "--set", "quantization.compute_dtype=float32",
            "--set", "adapter.lora_dropout=0.1");
        Assert.True(result.ExitCode == 0, result.ToString());
        var summary = result.LastJson;
        Assert.Equal("succeeded", summary.GetProperty("state").GetString());
        string adapter = summary.GetProperty("adapter").GetString()!;
        Assert.Equal(Path.Combine(folder["out"], "adapter"), adapter);

        CheckFiles(adapter);
        CheckConfig(adapter);
        CheckKeys(adapter);

        var seen = new RunOutput(folder["out"]).Evaluations;
        Assert.Equal(seen[0].Loss, summary.GetProperty("eval_loss_before").GetDouble());
        Assert.Equal(seen[^1].Loss, summary.GetProperty("eval_loss_after").GetDouble());
        Assert.True(seen[0].Loss - seen[^1].Loss > 0.1, $"{seen[0].Loss} before and {seen[^1].Loss} after: the adapter makes no difference that a score could show");
        AssertScore(seen[0].Loss, folder, "data.packing=true");
        AssertScore(seen[^1].Loss, folder, "data.packing=true", "--adapter", adapter);
        AssertScore(seen[^1].Loss, folder, "data.packing=false", "--adapter", adapter);
    }

    private static void AssertScore(double seen, TemporaryFolder folder, string packing, params string[] adapter)
    {
        var score = OrchestratorProcess.Run(["score", "--model", Repository.Sample("tiny-llama"), .. adapter, "--quantization", "nf4", "--compute-dtype", "float32",
            "--data", folder["eval.jsonl"], "--set", packing, "--json"]);
        Assert.True(score.ExitCode == 0, score.ToString());
        double scored = score.LastJson.GetProperty("mean_loss").GetDouble();
        Assert.True(Math.Abs(seen - scored) <= 1e-6 * seen, $"score {scored}, training {seen} ({packing})");
    }

    private static void CheckFiles(string adapter)
    {
        string[] files = [.. Directory.EnumerateFileSystemEntries(adapter).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        Assert.Equal(["README.md", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja", "lineage.json", "tokenizer.json", "tokenizer_config.json"], files);
    }

    private static void CheckConfig(string adapter)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Fixture("adapters", "llama3-all-linear"), "adapter_config.json")));
        using var own = JsonDocument.Parse(File.ReadAllText(Path.Combine(adapter, "adapter_config.json")));
        var known = golden.RootElement.EnumerateObject().Select(key => key.Name).ToHashSet(StringComparer.Ordinal);
        Assert.All(own.RootElement.EnumerateObject(), key => Assert.Contains(key.Name, known));
        foreach (string key in new[] { "peft_type", "task_type", "base_model_name_or_path", "r", "lora_alpha", "lora_dropout", "target_modules", "bias", "inference_mode", "use_rslora", "use_dora" })
        {
            Assert.True(own.RootElement.TryGetProperty(key, out _), $"adapter_config.json lacks {key}");
        }

        Assert.Equal("LORA", own.RootElement.GetProperty("peft_type").GetString());
        Assert.Equal("CAUSAL_LM", own.RootElement.GetProperty("task_type").GetString());
        Assert.Equal(0.1, own.RootElement.GetProperty("lora_dropout").GetDouble());
    }

    private static void CheckKeys(string adapter)
    {
        var header = SafetensorsHeader.Read(Path.Combine(adapter, "adapter_model.safetensors"));
        Assert.Equal("pt", header.Metadata["format"]);
        var expected = from layer in Enumerable.Range(0, 6)
                       from module in new[] { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj" }
                       from matrix in new[] { "lora_A", "lora_B" }
                       select $"base_model.model.model.layers.{layer}.{module}.{matrix}.weight";
        Assert.Equal(expected.Order(StringComparer.Ordinal), header.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
    }
}
