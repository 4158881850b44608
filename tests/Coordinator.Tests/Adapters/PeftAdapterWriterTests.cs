using System.Text.Json;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Adapters;

/// <summary>Written folders are PEFT's, byte for byte where PEFT decides, and appear whole or not at all.</summary>
public sealed class PeftAdapterWriterTests
{
    private static readonly ModelSpec Llama3 = ModelFolder.ReadSpec(Fixtures.At("models", "llama3"));

    // FORMATS: the keys that every reader needs and no other.
    private static readonly string[] Keys =
    [
        "alpha_pattern", "base_model_name_or_path", "bias", "exclude_modules", "fan_in_fan_out", "inference_mode", "init_lora_weights", "layers_pattern", "layers_to_transform",
        "lora_alpha", "lora_dropout", "modules_to_save", "peft_type", "r", "rank_pattern", "revision", "target_modules", "task_type", "use_dora", "use_rslora",
    ];

    [Theory]
    [MemberData(nameof(TargetModulesTests.Golden), MemberType = typeof(TargetModulesTests))]
    public void Write_GoldenAdapterReadBefore_GivesItsBytes(string name)
    {
        using var folder = new TemporaryFolder();
        PeftAdapter golden = PeftAdapter.Read(Fixtures.At("adapters", name));

        Write(folder.At("out"), golden.Config.WithBase("../../models/llama3"), golden.Bind(Llama3));

        AssertEqualFiles(golden.Folder, folder.At("out"));
    }

    [Theory]
    [InlineData("nf4-adamw-linear", "init")]
    [InlineData("nf4-adamw-linear", "final")]
    [InlineData("lora16-cosine-rslora", "final")]
    [InlineData("fp4-patterns", "final")]
    [InlineData("nf4-sgd-constant", "final")]
    public void Write_AdapterOfAGoldenRun_GivesItsBytes(string run, string name)
    {
        using var folder = new TemporaryFolder();
        ModelSpec model = ModelFolder.ReadSpec(Fixtures.At("training", run, "base"));
        AdapterSetup setup = AdapterSetup.Resolve(DefaultJob.Adapter with { InitFrom = Fixtures.At("training", run, name) }, model, "../base");

        Write(folder.At("out"), setup.Config, setup.Modules);

        AssertEqualFiles(Fixtures.At("training", run, name), folder.At("out"));
    }

    [Fact]
    public void Create_NewAdapter_HasExactlyTheKeysAndValuesOfPeft()
    {
        var spec = DefaultJob.Adapter with { R = 8, LoraAlpha = 16, RankPattern = new([KeyValuePair.Create("q_proj", 2)]), UseRslora = true };
        AdapterSetup setup = AdapterSetup.Resolve(spec, Llama3, "models/llama3");
        using JsonDocument written = JsonDocument.Parse(setup.Config.Bytes);
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Fixtures.At("adapters", "llama3-all-linear", "adapter_config.json")));

        Assert.Equal(Keys, written.RootElement.EnumerateObject().Select(property => property.Name));
        foreach (string key in Keys.Except(["base_model_name_or_path", "rank_pattern", "target_modules", "use_rslora"]))
        {
            Assert.Equal(golden.RootElement.GetProperty(key).GetRawText(), written.RootElement.GetProperty(key).GetRawText());
        }

        Assert.Equal("""["down_proj","gate_proj","k_proj","o_proj","q_proj","up_proj","v_proj"]""", JsonSerializer.Serialize(written.RootElement.GetProperty("target_modules")));
        Assert.Equal(setup.Modules.Select(module => module.Module), TargetModules.Resolve(Llama3, PeftConfig.Parse(setup.Config.Bytes.ToArray(), "x").Lora).Select(module => module.Module));
    }

    /// <summary>No value is a default, so that one which is not written, or another one, is seen.</summary>
    [Fact]
    public void Create_NewAdapterWithEverySetting_SaysThemAllAndReadsBackAsTheSameAdapter()
    {
        var spec = DefaultJob.Adapter with
        {
            R = 6,
            LoraAlpha = 10.5,
            LoraDropout = 0.25,
            TargetModules = ModuleSelection.Of(["v_proj", "q_proj", "down_proj"]),
            ExcludeModules = ModuleSelection.Of(["layers.1.self_attn.v_proj"]),
            LayersToTransform = [1, 0],
            RankPattern = new([KeyValuePair.Create("v_proj", 5), KeyValuePair.Create("layers.0.mlp.down_proj", 3)]),
            AlphaPattern = new([KeyValuePair.Create("q_proj", 7.0), KeyValuePair.Create(".*_proj", 2.5)]),
            UseRslora = true,
        };
        AdapterSetup setup = AdapterSetup.Resolve(spec, Llama3, "models/llama3");
        using JsonDocument written = JsonDocument.Parse(setup.Config.Bytes);

        Dictionary<string, string> values = new(StringComparer.Ordinal)
        {
            ["alpha_pattern"] = """{"q_proj":7,".*_proj":2.5}""",
            ["exclude_modules"] = """["layers.1.self_attn.v_proj"]""",
            ["layers_to_transform"] = "[1,0]",
            ["lora_alpha"] = "10.5",
            ["lora_dropout"] = "0.25",
            ["r"] = "6",
            ["rank_pattern"] = """{"v_proj":5,"layers.0.mlp.down_proj":3}""",
            ["target_modules"] = """["v_proj","q_proj","down_proj"]""",
            ["use_rslora"] = "true",
        };
        Assert.All(values, pair => Assert.Equal(pair.Value, JsonSerializer.Serialize(written.RootElement.GetProperty(pair.Key))));
        Assert.Equal(setup.Modules, TargetModules.Resolve(Llama3, PeftConfig.Parse(setup.Config.Bytes.ToArray(), "x").Lora));
        Assert.Equal([6, 5, 3, 6, 6], setup.Modules.Select(module => (int)module.Rank));
        // alpha / sqrt(r) by each module's own two numbers.
        Assert.Equal([7 / Math.Sqrt(6), 2.5 / Math.Sqrt(5), 2.5 / Math.Sqrt(3), 7 / Math.Sqrt(6), 2.5 / Math.Sqrt(6)], setup.Modules.Select(module => module.Scale));
        Assert.All(setup.Modules, module => Assert.Equal(0.25, module.Dropout));
    }

    [Fact]
    public void WithBase_AnotherName_ChangesThatKeyAlone()
    {
        PeftConfig golden = PeftAdapter.Read(Fixtures.At("adapters", "llama3-patterns")).Config;
        using JsonDocument before = JsonDocument.Parse(golden.Bytes);
        using JsonDocument after = JsonDocument.Parse(golden.WithBase("org/model").Bytes);

        string[] changed = [.. before.RootElement.EnumerateObject().Where(property => !JsonElement.DeepEquals(property.Value, after.RootElement.GetProperty(property.Name))).Select(property => property.Name)];

        Assert.Equal(["base_model_name_or_path"], changed);
        Assert.Equal(before.RootElement.EnumerateObject().Count(), after.RootElement.EnumerateObject().Count());
    }

    [Fact]
    public void Parse_KeyUnknownToPeft_IsNotWrittenAgain()
    {
        PeftConfig config = PeftConfig.Parse("""{"peft_type": "LORA", "target_modules": ["q_proj"], "made_up": 1}"""u8.ToArray(), "adapter_config.json");

        using JsonDocument written = JsonDocument.Parse(config.Bytes);
        Assert.False(written.RootElement.TryGetProperty("made_up", out _));
        Assert.Equal("LORA", written.RootElement.GetProperty("peft_type").GetString());
    }

    [Fact]
    public void Write_OlderTokenizersFiles_AreCopiedToo()
    {
        using var folder = new TemporaryFolder();
        string[] names = ["added_tokens.json", "merges.txt", "special_tokens_map.json", "tokenizer.model", "vocab.json"];
        string model = Directory.CreateDirectory(folder.At("model")).FullName;
        foreach (string name in names)
        {
            File.WriteAllText(Path.Combine(model, name), name);
        }

        PeftAdapter golden = PeftAdapter.Read(Fixtures.At("adapters", "llama3-list"));

        Write(folder.At("out"), golden.Config, golden.Bind(Llama3), model);

        Assert.All(names, name => Assert.Equal(name, File.ReadAllText(folder.At("out", name))));
    }

    [Fact]
    public void Write_TokenizerWithMoreTemplates_CopiesThemWithTheirFolder()
    {
        using var folder = new TemporaryFolder();
        string tokenizer = folder.CopyOf(Fixtures.At("..", "..", "coordinator", "samples", "tiny-llama"), "base");
        Directory.CreateDirectory(folder.At("base", "additional_chat_templates"));
        File.WriteAllText(folder.At("base", "additional_chat_templates", "tool_use.jinja"), "{{ tools }}\r\n");
        File.WriteAllText(folder.At("base", "additional_chat_templates", "rag.jinja"), "{{ documents }}");
        File.WriteAllText(folder.At("base", "additional_chat_templates", "notes.txt"), "mine");
        PeftAdapter golden = PeftAdapter.Read(Fixtures.At("adapters", "llama3-list"));

        Write(folder.At("out"), golden.Config, golden.Bind(Llama3), tokenizer);

        Assert.Equal(["rag.jinja", "tool_use.jinja"], Directory.EnumerateFileSystemEntries(folder.At("out", "additional_chat_templates")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("{{ tools }}\r\n", File.ReadAllText(folder.At("out", "additional_chat_templates", "tool_use.jinja")));
        Assert.Equal("{{ documents }}", File.ReadAllText(folder.At("out", "additional_chat_templates", "rag.jinja")));
        Assert.Equal(["base", "out"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Write_LineageAndCard_SayWhereTheAdapterComesFrom()
    {
        using var folder = new TemporaryFolder();
        PeftAdapter golden = PeftAdapter.Read(Fixtures.At("adapters", "llama3-list"));

        Write(folder.At("out"), golden.Config, golden.Bind(Llama3));

        using JsonDocument lineage = JsonDocument.Parse(File.ReadAllBytes(folder.At("out", "lineage.json")));
        Assert.Equal("aa", lineage.RootElement.GetProperty("base").GetProperty("sha256").GetString());
        Assert.True(lineage.RootElement.GetProperty("bit_identical").GetBoolean());
        Assert.Equal(2u, lineage.RootElement.GetProperty("layouts")[0].GetProperty("replicas").GetUInt32());
        string card = File.ReadAllText(folder.At("out", "README.md"));
        Assert.StartsWith("---\nbase_model: \"models/llama3\"\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n- \"base_model:adapter:models/llama3\"\n- lora\n", card, StringComparison.Ordinal);
        Assert.Contains("| Optimizer | adamw |", card, StringComparison.Ordinal);
    }

    private static ModelCard Card => new() { Name = "orders", BaseModel = "models/llama3", Lora = new LoraConfig(), Facts = [KeyValuePair.Create("Optimizer", "adamw")] };

    private static Lineage Origin => new()
    {
        Base = new LineageSource("models/llama3", "aa", new Dictionary<string, string> { ["config.json"] = "bb" }),
        Data = [new LineageData("train", "cc", 10, 100)],
        JobSha256 = "dd",
        Step = 3,
        Versions = new Dictionary<string, string> { ["orchestrator"] = "0.1.0" },
        NumericClass = "cpu avx2",
        BitIdentical = true,
        Layouts = [new LineageLayout(1, 1, 3, 2, 1)],
    };

    private static void Write(string folder, PeftConfig config, IReadOnlyList<AdapterModule> modules, string? tokenizer = null) =>
        PeftAdapterWriter.Write(Directory.CreateDirectory(folder).FullName, config, Tensors(modules), Card, Origin, tokenizer);

    private static AdapterTensor[] Tensors(IReadOnlyList<AdapterModule> modules) =>
        [.. modules.SelectMany(module => new[] { Tensor(module.Module, true, module.InitialA), Tensor(module.Module, false, module.InitialB) })];

    private static AdapterTensor Tensor(string module, bool isA, TensorSlice slice) => new(module, isA, slice.Dtype, slice.Shape, stream =>
    {
        using FileStream file = File.OpenRead(slice.File);
        file.Position = (long)slice.Offset;
        byte[] bytes = new byte[slice.Length];
        file.ReadExactly(bytes);
        stream.Write(bytes);
    });

    private static void AssertEqualFiles(string expected, string actual)
    {
        foreach (string file in new[] { PeftAdapter.ConfigFile, PeftAdapter.WeightsFile })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(expected, file)), File.ReadAllBytes(Path.Combine(actual, file)));
        }
    }
}
