using System.Text;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Tests.Fuzz;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Adapters;

/// <summary>PEFT folders are read as PEFT reads them, or refused by the name of what is not built.</summary>
public sealed class PeftAdapterTests
{
    private static readonly ModelSpec Llama3 = ModelFolder.ReadSpec(Fixtures.At("models", "llama3"));

    [Theory]
    [MemberData(nameof(TargetModulesTests.Golden), MemberType = typeof(TargetModulesTests))]
    public void Bind_GoldenAdapter_GivesEachModuleItsTensors(string name)
    {
        PeftAdapter adapter = PeftAdapter.Read(Fixtures.At("adapters", name));

        IReadOnlyList<AdapterModule> modules = adapter.Bind(Llama3);

        Assert.Equal(adapter.Tensors.Tensors.Count, 2 * modules.Count);
        Assert.All(modules, module =>
        {
            Assert.Equal([module.Rank, module.InFeatures], module.InitialA.Shape.Select(size => (uint)size));
            Assert.Equal([module.OutFeatures, module.Rank], module.InitialB.Shape.Select(size => (uint)size));
            Assert.Equal(DType.F32, module.InitialA.Dtype);
        });
    }

    [Theory]
    [InlineData("llama3-dora", "use_dora \\(DoRA\\) is not built yet")]
    [InlineData("llama3-save-modules", "modules_to_save .*is not built yet")]
    public void Read_FeatureNotBuilt_IsRefusedByName(string name, string expected) =>
        Assert.Matches(expected, Assert.Throws<InvalidInputException>(() => PeftAdapter.Read(Fixtures.At("adapters", name))).Message);

    [Theory]
    [InlineData("""{"peft_type": "IA3"}""", "peft_type 'IA3' is not supported; supported is LORA")]
    [InlineData("""{"peft_type": null}""", "lacks peft_type")]
    [InlineData("""{"task_type": "SEQ_CLS"}""", "task_type 'SEQ_CLS'")]
    [InlineData("""{"bias": "lora_only"}""", "bias 'lora_only' is not built yet")]
    [InlineData("""{"lora_bias": true}""", "lora_bias.*not built yet")]
    [InlineData("""{"trainable_token_indices": [1]}""", "trainable_token_indices.*not built yet")]
    [InlineData("""{"init_lora_weights": "pissa_niter_4"}""", "init_lora_weights 'pissa_niter_4'.*not built yet")]
    [InlineData("""{"r": 2.5}""", "r must be a whole number")]
    [InlineData("""{"r": 5}""", "has shape \\[4, 64\\], but the model and adapter_config.json call for \\[5, 64\\]")]
    [InlineData("""{"target_modules": ["q_proj"]}""", "which adapter_config.json adapts no layer for")]
    [InlineData("""{"target_modules": ["q_proj", "v_proj", "k_proj"]}""", "tensor base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight is missing in ")]
    [InlineData("""{"lora_alpha": "x"}""", "lora_alpha must be a number")]
    [InlineData("""{"target_modules": [1]}""", "target_modules must be a list of strings")]
    [InlineData("""{"rank_pattern": {"q_proj": "x"}}""", "rank_pattern.q_proj must be a whole number")]
    public void Bind_WrongConfig_IsRefusedInOneSentence(string changes, string expected)
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("adapters", "llama3-list"));
        string file = Path.Combine(copy, "adapter_config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            config[key] = value?.DeepClone();
        }

        File.WriteAllText(file, config.ToJsonString());

        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => PeftAdapter.Read(copy).Bind(Llama3));

        Assert.Matches(expected, refusal.Message);
        Assert.Contains(copy, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>As many values as are called for, in rows of another length.</summary>
    [Fact]
    public void Bind_TransposedTensor_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("adapters", "llama3-list"));
        string file = Path.Combine(copy, "adapter_model.safetensors");
        string content = Encoding.Latin1.GetString(File.ReadAllBytes(file));
        Assert.Contains("\"shape\":[4,64]", content, StringComparison.Ordinal);
        File.WriteAllBytes(file, Encoding.Latin1.GetBytes(content.Replace("\"shape\":[4,64]", "\"shape\":[64,4]", StringComparison.Ordinal)));

        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => PeftAdapter.Read(copy).Bind(Llama3));

        Assert.Matches("lora_A.weight in .* has shape \\[64, 4\\], but the model and adapter_config.json call for \\[4, 64\\]", refusal.Message);
    }

    [Fact]
    public void Read_NoAdapter_SaysWhatOneIs()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("adapters", "llama3-list"));
        File.Move(Path.Combine(copy, "adapter_model.safetensors"), Path.Combine(copy, "adapter_model.bin"));

        Assert.Contains("does not exist", Refusal(folder.At("none")), StringComparison.Ordinal);
        Assert.Contains("is a file", Refusal(Path.Combine(copy, "adapter_config.json")), StringComparison.Ordinal);
        Assert.Contains("adapter_config.json cannot be read", Refusal(Fixtures.At("models", "llama3")), StringComparison.Ordinal);
        Assert.Contains("pickled", Refusal(copy), StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_MutatedConfig_AcceptsOrRefusesInOneSentence()
    {
        byte[][] valid = [.. TargetModulesTests.Golden.Select(row => File.ReadAllBytes(Fixtures.At("adapters", row.Data, "adapter_config.json")))];

        FuzzResult result = new MutationFuzzer { Rounds = 2_000 }.Run(valid, bytes => PeftConfig.Parse(bytes, "adapter_config.json"));

        Assert.True(result is { Accepted: > 50, Refused: > 300 }, result.ToString());
    }

    private static string Refusal(string folder) => Assert.Throws<InvalidInputException>(() => PeftAdapter.Read(folder)).Message;
}
