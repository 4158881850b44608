using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Adapters;

/// <summary>Modules, ranks and scales as PEFT found them in the golden adapters and refused configurations.</summary>
public sealed class TargetModulesTests
{
    private static readonly ModelSpec Llama3 = ModelFolder.ReadSpec(Fixtures.At("models", "llama3"));

    /// <summary>The golden adapters of features that are built.</summary>
    public static TheoryData<string> Golden => new("llama3-all-linear", "llama3-list", "llama3-regex", "llama3-exclude", "llama3-layers", "llama3-patterns", "llama3-rslora");

    [Theory]
    [MemberData(nameof(Golden))]
    public void Resolve_GoldenConfiguration_AdaptsTheSameModulesWithTheSameScale(string name)
    {
        using JsonDocument facts = JsonDocument.Parse(File.ReadAllBytes(Fixtures.At("adapters", name, "facts.json")));
        JsonElement expected = facts.RootElement.GetProperty("facts");

        foreach (LoraConfig config in new[] { Parse(facts.RootElement.GetProperty("lora")), PeftAdapter.Read(Fixtures.At("adapters", name)).Config.Lora })
        {
            IReadOnlyList<AdapterModule> modules = TargetModules.Resolve(Llama3, config);

            Assert.Equal(expected.GetProperty("adapted_modules").EnumerateArray().Select(item => item.GetString()), modules.Select(module => module.Module));
            Assert.All(modules, module => Assert.Equal(expected.GetProperty("scaling").GetProperty(module.Module).GetDouble(), module.Scale));
            Assert.Equal(expected.GetProperty("trainable_parameters").GetInt64(), modules.Sum(module => (long)module.Rank * (module.InFeatures + module.OutFeatures)));
            Assert.Equal(Enumerable.Range(0, modules.Count).Select(index => (uint)index), modules.Select(module => module.Index));
        }
    }

    [Fact]
    public void Resolve_RefusedByPeft_IsRefusedHereAndAcceptedIsAcceptedOrNamedAsNotBuilt()
    {
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Fixtures.At("adapters", "refusals.json")));
        int seen = 0;
        foreach (JsonElement entry in cases.RootElement.EnumerateArray().Where(entry => entry.GetProperty("base").GetString() == "models/llama3"))
        {
            string about = entry.GetProperty("about").GetString()!;
            (IReadOnlyList<AdapterModule>? modules, InvalidInputException? refusal) = Try(entry.GetProperty("lora"));
            if (!entry.GetProperty("accepted").GetBoolean())
            {
                Assert.True(refusal is not null, $"{about}: PEFT refuses, this does not");
                Assert.DoesNotContain("not built", refusal.Message, StringComparison.Ordinal);
            }
            else if (modules is not null)
            {
                Assert.Equal(entry.GetProperty("adapted_modules").EnumerateArray().Select(item => item.GetString()), modules.Select(module => module.Module));
            }
            else
            {
                Assert.True(refusal!.Message.Contains("not built yet", StringComparison.Ordinal), $"{about}: {refusal.Message}");
            }

            seen++;
        }

        Assert.Equal(28, seen);
    }

    [Fact]
    public void Resolve_WithoutEffect_Warns()
    {
        var warnings = new List<string>();
        LoraConfig config = Parse("""{"r": 4, "target_modules": ["q_proj"], "exclude_modules": ["no_such"], "rank_pattern": {"nowhere": 2}}""");

        Assert.Equal(2, TargetModules.Resolve(Llama3, config, warnings).Count);
        Assert.Collection(
            warnings,
            warning => Assert.Contains("exclude_modules [no_such] excludes nothing", warning, StringComparison.Ordinal),
            warning => Assert.Contains("rank_pattern key 'nowhere' matches no targeted module", warning, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"target_modules": ["no_such_proj"]}""", "match no linear layer; the model's 2 layers have q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj")]
    [InlineData("""{"target_modules": "q_proj"}""", "target_modules q_proj match no linear layer")]
    [InlineData("""{"target_modules": ["q_proj"], "layers_to_transform": [7]}""", "in layers_to_transform \\[7\\]")]
    [InlineData("""{"target_modules": ["q_proj"], "exclude_modules": ["q_proj"]}""", "that exclude_modules \\[q_proj\\] leaves")]
    [InlineData("""{"target_modules": ["self_attn"]}""", "match model.layers.0.self_attn, which is no linear layer")]
    [InlineData("""{"target_modules": ".*"}""", "match the model itself")]
    [InlineData("""{"target_modules": ["lm_head"]}""", "lm_head.*not built yet")]
    [InlineData("""{"target_modules": ".*[q"}""", "regular expression")]
    [InlineData("""{"target_modules": ["q_proj"], "rank_pattern": {"(": 2}}""", "rank_pattern.*regular expression")]
    [InlineData("""{"target_modules": ["q_proj"], "layers_to_transform": [0], "layers_pattern": "(layers)"}""", "layers_pattern.*group")]
    public void Resolve_WrongTargets_IsRefusedInOneSentence(string lora, string expected) =>
        Assert.Matches(expected, Assert.Throws<InvalidInputException>(() => TargetModules.Resolve(Llama3, Parse(lora))).Message);

    [Fact]
    public void Resolve_ExactNameInAList_IgnoresLayersToTransform()
    {
        LoraConfig config = Parse("""{"target_modules": ["model.layers.0.self_attn.q_proj", "v_proj"], "layers_to_transform": [1]}""");

        Assert.Equal(["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj"], TargetModules.Resolve(Llama3, config).Select(module => module.Module));
    }

    [Fact]
    public void Resolve_Chunks_StartAnewWithEachParameter()
    {
        // A [1100, 64] has 70,400 elements: 2 chunks; B of k_proj [32, 1100] has 35,200: 1 chunk.
        LoraConfig config = Parse("""{"r": 1100, "target_modules": ["q_proj", "k_proj"]}""");

        Assert.Equal([0u, 4u, 7u, 11u], TargetModules.Resolve(Llama3, config).Select(module => module.FirstChunk));
    }

    private static (IReadOnlyList<AdapterModule>? Modules, InvalidInputException? Refusal) Try(JsonElement lora)
    {
        try
        {
            return (TargetModules.Resolve(Llama3, Parse(lora)), null);
        }
        catch (InvalidInputException refusal)
        {
            return (null, refusal);
        }
    }

    private static LoraConfig Parse(JsonElement lora) => Parse(lora.GetRawText());

    private static LoraConfig Parse(string lora)
    {
        JsonObject config = JsonNode.Parse(lora)!.AsObject();
        config["peft_type"] = "LORA";
        return PeftConfig.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), "adapter_config.json").Lora;
    }
}
