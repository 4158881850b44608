using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Hugging Face folders become the same plain facts whatever their spelling; each thing that can be wrong has its sentence.</summary>
public sealed class ModelFolderTests
{
    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("tinyllama-linear")]
    [InlineData("mistral")]
    [InlineData("qwen2")]
    public void Open_OldSpelling_GivesTheSameModel(string name)
    {
        using var folder = new TemporaryFolder();
        string old = folder.CopyOf(Fixtures.At("models", name));
        File.Copy(Path.Combine(old, "config.transformers4.json"), Path.Combine(old, "config.json"), overwrite: true);

        Assert.Equal(ModelFolder.Open(Fixtures.At("models", name)).Spec, ModelFolder.Open(old).Spec);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("tinyllama-linear")]
    [InlineData("mistral")]
    [InlineData("qwen2")]
    public void AllSlices_Quantized_MarksWhatTheReferenceQuantizes(string name)
    {
        using JsonDocument facts = JsonDocument.Parse(File.ReadAllBytes(Fixtures.At("models", name, "facts.json")));
        string[] expected = [.. facts.RootElement.GetProperty("facts").GetProperty("quantized_linears").EnumerateArray().Select(item => $"{item.GetString()}.weight").Order()];

        IReadOnlyList<TensorSlice> slices = ModelFolder.Open(Fixtures.At("models", name)).AllSlices(quantize: true);

        Assert.Equal(expected, slices.Where(slice => slice.Quantize).Select(slice => slice.Name).Order());
    }

    [Fact]
    public void Open_ShardedFolder_FindsEachTensorInItsFile()
    {
        ModelFolder model = ModelFolder.Open(Fixtures.At("models", "tinyllama-linear"));

        Assert.Equal(5, model.WeightFiles.Count);
        Assert.All(model.AllSlices(), slice => Assert.Equal(slice.Length, SafetensorsHeader.Read(slice.File).Find(slice.Name)!.Length));
        Assert.Equal(5, model.AllSlices().Select(slice => slice.File).Distinct().Count());
    }

    [Fact]
    public void Open_Llama3_GivesItsFacts()
    {
        ModelSpec spec = ModelFolder.Open(Fixtures.At("models", "llama3")).Spec;

        Assert.Equal(("llama", 256u, 64u, 112u, 2u, 4u, 2u, 16u), (spec.Family, spec.VocabSize, spec.HiddenSize, spec.IntermediateSize, spec.NumLayers, spec.NumAttentionHeads, spec.NumKeyValueHeads, spec.HeadDim));
        Assert.Equal((1e-5, "silu", true, false, 1f, 1024u), (spec.RmsNormEps, spec.Activation, spec.TieWordEmbeddings, spec.QkvBias, spec.RopeAttentionFactor, spec.MaxPositionEmbeddings));
        Assert.Equal([0u, 0u], spec.AttentionWindows);
    }

    [Fact]
    public void Open_MistralAndQwen2_GiveWindowsAndBiases()
    {
        ModelSpec mistral = ModelFolder.Open(Fixtures.At("training", "fp4-patterns", "base")).Spec;
        ModelSpec qwen2 = ModelFolder.Open(Fixtures.At("training", "nf4-sgd-constant", "base")).Spec;

        Assert.Equal([24u, 24u, 24u], mistral.AttentionWindows);
        Assert.Equal([0u, 0u, 0u, 0u], qwen2.AttentionWindows);
        Assert.Equal((true, false, false, 32u), (qwen2.QkvBias, qwen2.AttentionOutputBias, qwen2.MlpBias, qwen2.HeadDim));
        Assert.Equal((false, false), (mistral.QkvBias, mistral.TieWordEmbeddings));
    }

    [Theory]
    [InlineData("""{"use_sliding_window": false, "sliding_window": 16, "max_window_layers": 0, "layer_types": null}""", new uint[] { 0, 0, 0, 0 })]
    [InlineData("""{"use_sliding_window": true, "sliding_window": 16, "max_window_layers": 3, "layer_types": null}""", new uint[] { 0, 0, 0, 16 })]
    [InlineData("""{"use_sliding_window": true, "sliding_window": null, "max_window_layers": 0, "layer_types": null}""", new uint[] { 0, 0, 0, 0 })]
    [InlineData("""{"use_sliding_window": true, "sliding_window": 9, "layer_types": ["sliding_attention", "full_attention", "full_attention", "sliding_attention"]}""", new uint[] { 9, 0, 0, 9 })]
    public void Read_Qwen2Windows_FollowItsRules(string changes, uint[] expected) => Assert.Equal(expected, ModelConfig.Read(Changed("nf4-sgd-constant", changes)).AttentionWindows);

    [Fact]
    public void Read_MistralWithoutWindowKey_HasTheFamilysDefault()
    {
        Assert.Equal([4096u, 4096u, 4096u], ModelConfig.Read(Changed("fp4-patterns", "{}", remove: "sliding_window")).AttentionWindows);
        Assert.Equal([0u, 0u, 0u], ModelConfig.Read(Changed("fp4-patterns", """{"sliding_window": null}""")).AttentionWindows);
    }

    [Fact]
    public void StageSlices_OfATiedModel_AreExactlyTheStagesTensors()
    {
        ModelFolder model = ModelFolder.Open(Fixtures.At("models", "llama3"));

        string[] first = [.. model.StageSlices(0, 0, embedding: true, head: false).Select(slice => slice.Name)];
        string[] last = [.. model.StageSlices(1, 1, embedding: false, head: true).Select(slice => slice.Name)];

        Assert.Equal(10, first.Length);
        Assert.Equal("model.embed_tokens.weight", first[0]);
        Assert.All(first[1..], name => Assert.StartsWith("model.layers.0.", name, StringComparison.Ordinal));
        Assert.Equal(["model.embed_tokens.weight", "model.norm.weight"], last.Where(name => !name.StartsWith("model.layers.1.", StringComparison.Ordinal)));
        Assert.Equal(11, last.Length);
    }

    [Fact]
    public void StageSlices_OfAnUntiedModel_HeadBringsItsOwnWeightAndNoEmbedding()
    {
        ModelFolder model = ModelFolder.Open(Fixtures.At("models", "llama"));

        string[] last = [.. model.StageSlices(1, 1, embedding: false, head: true).Select(slice => slice.Name)];

        Assert.Contains("lm_head.weight", last);
        Assert.DoesNotContain("model.embed_tokens.weight", last);
    }

    [Fact]
    public void StageSlices_SkipModules_StayInSixteenBits()
    {
        ModelFolder model = ModelFolder.Open(Fixtures.At("models", "llama"));

        SkipModules skip = SkipModules.Resolve(model.Spec, ["down_proj", "model.layers.1.self_attn"]);

        string[] quantized = [.. model.AllSlices(quantize: true, skip).Where(slice => slice.Quantize).Select(slice => slice.Name)];

        Assert.Contains("lm_head.weight", quantized);
        Assert.DoesNotContain(quantized, name => name.Contains("down_proj", StringComparison.Ordinal) || name.StartsWith("model.layers.1.self_attn", StringComparison.Ordinal));
        Assert.Contains("model.layers.0.self_attn.q_proj.weight", quantized);
        Assert.DoesNotContain(model.AllSlices(), slice => slice.Quantize);
    }

    [Fact]
    public async Task HashAsync_OfACopy_IsThatOfTheOriginal()
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("models", "tinyllama-linear"));
        FilesHash original = await ModelFolder.Open(Fixtures.At("models", "tinyllama-linear")).HashAsync(TestContext.Current.CancellationToken);

        Assert.Equal(original.Sha256, (await ModelFolder.Open(copy).HashAsync(TestContext.Current.CancellationToken)).Sha256);
        Assert.Equal(6, original.Files.Count);

        await File.AppendAllTextAsync(Path.Combine(copy, "config.json"), " ", TestContext.Current.CancellationToken);
        Assert.NotEqual(original.Sha256, (await ModelFolder.Open(copy).HashAsync(TestContext.Current.CancellationToken)).Sha256);
    }

    [Theory]
    [InlineData("""{"model_type": "gpt2"}""", "family 'gpt2' is not supported; supported are llama, mistral, qwen2")]
    [InlineData("""{"model_type": null}""", "lacks model_type")]
    [InlineData("""{"hidden_act": "gelu"}""", "activation 'gelu'.*supported is silu")]
    [InlineData("""{"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}""", "rope type 'yarn' is not supported; supported are default, linear, llama3")]
    [InlineData("""{"rope_parameters": null, "rope_scaling": {"type": "dynamic", "factor": 2.0}}""", "rope type 'dynamic'")]
    [InlineData("""{"rope_parameters": {"rope_type": "linear"}}""", "lacks rope_parameters.factor")]
    [InlineData("""{"rope_parameters": {"full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "default"}}}""", "for each layer type")]
    [InlineData("""{"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}}""", "already quantized by bitsandbytes.*not built yet")]
    [InlineData("""{"hidden_size": "64"}""", "hidden_size must be a whole number")]
    [InlineData("""{"hidden_size": 1e300}""", "hidden_size must be a whole number")]
    [InlineData("""{"hidden_size": null}""", "lacks hidden_size")]
    [InlineData("""{"num_hidden_layers": 99999999}""", "num_hidden_layers must be a whole number from 1 to 10000")]
    [InlineData("""{"num_hidden_layers": 3}""", "tensor model.layers.2.input_layernorm.weight is missing in .*")]
    [InlineData("""{"num_key_value_heads": 3}""", "no multiple of num_key_value_heads")]
    [InlineData("""{"head_dim": 15}""", "head_dim \\(15\\) must be even")]
    [InlineData("""{"partial_rotary_factor": 0.5}""", "partial_rotary_factor")]
    [InlineData("""{"vocab_size": 257}""", "tensor model.embed_tokens.weight in .*model.safetensors has shape \\[256, 64\\], but config.json calls for \\[257, 64\\]")]
    [InlineData("""{"tie_word_embeddings": false}""", "tensor lm_head.weight is missing in .*llama3|tensor lm_head.weight is missing in .*copy")]
    [InlineData("""{"attention_bias": true}""", "tensor model.layers.0.self_attn.q_proj.bias is missing")]
    [InlineData("""{"rms_norm_eps": -0.5}""", "rms_norm_eps \\(-0.5\\) must not be negative")]
    [InlineData("""{"tie_word_embeddings": "yes"}""", "tie_word_embeddings must be true or false")]
    public void Open_WrongConfig_IsRefusedInOneSentence(string changes, string expected)
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("models", "llama3"));
        string config = Path.Combine(copy, "config.json");
        File.WriteAllText(config, Change(File.ReadAllText(config), changes));

        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => ModelFolder.Open(copy));

        Assert.Matches(expected, refusal.Message);
        Assert.Contains(copy, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("truncated json", "config.json is not valid JSON.*truncated")]
    [InlineData("broken text", "not valid Unicode")]
    [InlineData("lone surrogate", "not valid Unicode")]
    [InlineData("link to itself", "cannot be read|is a file")]
    [InlineData("duplicate key", "config.json is not valid JSON")]
    [InlineData("json list", "config.json does not hold a JSON object")]
    [InlineData("no config", "has no readable config.json")]
    [InlineData("adapter", "it is an adapter, not a model")]
    [InlineData("empty", "is empty")]
    [InlineData("absent", "no such folder")]
    [InlineData("file", "is a file; a model is a Hugging Face folder")]
    [InlineData("no weights", "has neither model.safetensors nor model.safetensors.index.json")]
    [InlineData("pickled weights", "other weight formats are not read")]
    [InlineData("truncated weights", "truncated")]
    [InlineData("integer weights", "is U8|is I16")]
    public void Open_BrokenFolder_IsRefusedInOneSentence(string damage, string expected)
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("models", "llama3"));
        string path = Damage(folder, copy, damage);

        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => ModelFolder.Open(path));

        Assert.Matches(expected, refusal.Message);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing shard", "model-00003-of-00005.safetensors cannot be read: there is no such file")]
    [InlineData("wrong shard", "is missing in .*model-00001-of-00005.safetensors, where model.safetensors.index.json says it is")]
    [InlineData("path", "no safetensors file of this folder")]
    [InlineData("absent tensor", "tensor model.norm.weight is missing in ")]
    [InlineData("no map", "lacks weight_map")]
    public void Open_BrokenIndex_IsRefusedInOneSentence(string damage, string expected)
    {
        using var folder = new TemporaryFolder();
        string copy = folder.CopyOf(Fixtures.At("models", "tinyllama-linear"));
        string file = Path.Combine(copy, "model.safetensors.index.json");
        JsonObject index = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        JsonObject map = index["weight_map"]!.AsObject();
        switch (damage)
        {
            case "missing shard":
                File.Delete(Path.Combine(copy, "model-00003-of-00005.safetensors"));
                break;
            case "wrong shard":
                map[map.First(pair => (string?)pair.Value == "model-00002-of-00005.safetensors").Key] = "model-00001-of-00005.safetensors";
                break;
            case "path":
                map["model.norm.weight"] = "../copy/model-00001-of-00005.safetensors";
                break;
            case "absent tensor":
                map.Remove("model.norm.weight");
                break;
            default:
                index.Remove("weight_map");
                break;
        }

        File.WriteAllText(file, index.ToJsonString());

        Assert.Matches(expected, Assert.Throws<InvalidInputException>(() => ModelFolder.Open(copy)).Message);
    }

    private static string Damage(TemporaryFolder folder, string copy, string damage)
    {
        string config = Path.Combine(copy, "config.json");
        string weights = Path.Combine(copy, "model.safetensors");
        switch (damage)
        {
            case "truncated json":
                File.WriteAllText(config, File.ReadAllText(config)[..^40]);
                return copy;
            case "broken text":
                File.WriteAllBytes(config, [.. "{\"model_type\": \""u8, 0xEE, .. "\"}"u8]);
                return copy;
            case "lone surrogate":
                File.WriteAllText(config, """{"model_type": "llama", "\ud800": 1}""");
                return copy;
            case "link to itself":
                return Directory.CreateSymbolicLink(folder.At("loop"), folder.At("loop")).FullName;
            case "duplicate key":
                File.WriteAllText(config, """{"model_type": "llama", "model_type": "llama"}""");
                return copy;
            case "json list":
                File.WriteAllText(config, "[]");
                return copy;
            case "no config":
                File.Delete(config);
                return copy;
            case "adapter":
                return Fixtures.At("adapters", "llama3-list");
            case "empty":
                return Directory.CreateDirectory(folder.At("empty")).FullName;
            case "absent":
                return folder.At("absent");
            case "file":
                return config;
            case "no weights":
                File.Delete(weights);
                return copy;
            case "pickled weights":
                File.Move(weights, Path.Combine(copy, "pytorch_model.bin"));
                return copy;
            case "truncated weights":
                File.WriteAllBytes(weights, File.ReadAllBytes(weights)[..^1]);
                return copy;
            default:
                byte[] bytes = File.ReadAllBytes(weights);
                System.Text.Encoding.ASCII.GetBytes("\"I16\" ").CopyTo(bytes, bytes.AsSpan().IndexOf("\"BF16\""u8));
                File.WriteAllBytes(weights, bytes);
                return copy;
        }
    }

    private static ConfigDocument Changed(string training, string changes, string? remove = null)
    {
        JsonObject config = JsonNode.Parse(Change(File.ReadAllText(Fixtures.At("training", training, "base", "config.json")), changes))!.AsObject();
        config.Remove(remove ?? "");
        return ConfigDocument.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json");
    }

    private static string Change(string config, string changes)
    {
        JsonObject document = JsonNode.Parse(config)!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            document[key] = value?.DeepClone();
        }

        return document.ToJsonString();
    }
}
