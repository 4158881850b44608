using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Jobs;

/// <summary>Job files as users write them, and what they are told.</summary>
public class JobFileTests
{
    private const string Minimal = "model: tiny\ndata:\n  train: a.jsonl\n";

    [Fact]
    public void Parse_MinimalDocument_HasEveryDefault()
    {
        var spec = Valid(Minimal);
        Assert.Equal("job", spec.Name);
        Assert.Equal("/base/tiny", spec.Model);
        Assert.Equal(["/base/a.jsonl"], spec.Data.Train);
        Assert.Equal("/base/job-out", spec.Output);
        Assert.Equal(new ResourcesSpec { Workers = null, ComputeThreads = null, NumericClass = null }, spec.Resources);
        Assert.Null(spec.Layout);
        // As the public description of the job file has them; training's are compared with it below.
        Assert.Equal((16, 32.0, 0.0, ModuleSelection.AllLinear), (spec.Adapter.R, spec.Adapter.LoraAlpha, spec.Adapter.LoraDropout, spec.Adapter.TargetModules));
        Assert.Equal((QuantizationType.Nf4, 64, true, DType.Unspecified), (spec.Quantization.Type, spec.Quantization.BlockSize, spec.Quantization.DoubleQuant, spec.Quantization.ComputeDtype));
        Assert.Equal(["lm_head"], spec.Quantization.SkipModules);
        Assert.Equal((2048, Truncation.Drop, true, true), (spec.Data.MaxLength, spec.Data.Truncation, spec.Data.Packing, spec.Data.Shuffle));
    }

    [Fact]
    public void Parse_Interfaces_Example_ReadsEveryKey()
    {
        var spec = Valid(
            """
            name: orders
            model: ./tiny-llama                # Hugging Face folder
            adapter:
              r: 16
              lora_alpha: 32
              lora_dropout: 0.0
              target_modules: all-linear
              exclude_modules: []
              layers_to_transform: null
              rank_pattern: {}
              alpha_pattern: {}
              use_rslora: false
              use_dora: false
              bias: none
              modules_to_save: []
              init_lora_weights: true
              init_from: null
            quantization: {type: nf4, block_size: 64, double_quant: true, compute_dtype: auto, skip_modules: [lm_head]}
            data:
              train: orders.jsonl
              eval: orders-eval.jsonl
              format: auto
              fields: {}
              chat_template: model
              loss_on: auto
              clock: null
              max_length: 2048
              truncation: drop
              packing: true
              shuffle: true
            training:
              method: sft
              epochs: 1
              global_batch_size: 32
              micro_batch_tokens: auto
              reduction_slots: 16
              learning_rate: 2.0e-4
              lr_scheduler: cosine
              min_lr_ratio: 0.0
              warmup_ratio: 0.03
              optimizer: adamw
              momentum: 0.0
              weight_decay: 0.0
              adam_beta1: 0.9
              adam_beta2: 0.999
              adam_epsilon: 1.0e-8
              max_grad_norm: 1.0
              neftune_noise_alpha: null
              seed: 42
              eval_steps: 0.1
              save_steps: 0.25
              save_total_limit: 3
              early_stopping_patience: null
              max_skipped_steps: 8
              recompute: auto
              dpo: {beta: 0.1}
            determinism: strict
            resilience: mirror
            allow_class_change: false
            rebalance: false
            layout: auto
            resources: {workers: auto, compute_threads: auto, numeric_class: auto}
            priority: normal
            output: ./orders-out
            """);
        Assert.Equal("orders", spec.Name);
        Assert.Equal(["/base/orders-eval.jsonl"], spec.Data.Eval);
        // The example gives every default.
        Assert.Equal(DefaultJob.Training, spec.Training);
        Assert.Equal(DefaultJob.Adapter, spec.Adapter);
    }

    [Theory]
    [InlineData("nf4-adamw-linear")]
    [InlineData("lora16-cosine-rslora")]
    [InlineData("fp4-patterns")]
    [InlineData("nf4-sgd-constant")]
    public void Parse_GoldenJob_ResolvesToAnEqualSpec(string name)
    {
        var folder = Fixtures.At("training", name);
        var text = File.ReadAllText(Path.Combine(folder, "job.yaml"));
        var result = JobFile.Parse(text, "job.yaml", folder, [], "/elsewhere");
        Assert.Empty(result.Errors);
        Assert.Equal(Path.Combine(folder, "init"), result.Spec!.Adapter.InitFrom);
        Assert.Equal(1.0e-8, result.Spec.Training.AdamEpsilon);

        var again = JobFile.Parse(result.ResolvedYaml, "other.yaml", "/another", [], "/");
        Assert.Empty(again.Errors);
        Assert.Equal(result.Spec, again.Spec);
        Assert.Equal(result.ResolvedYaml, again.ResolvedYaml);
    }

    [Fact]
    public void Parse_InitialAdapter_ResolvesWithoutTheKeysThatComeFromIt()
    {
        string[] keys = ["r:", "lora_alpha:", "lora_dropout:", "target_modules:", "exclude_modules:", "layers_to_transform:", "rank_pattern:", "alpha_pattern:", "use_rslora:"];
        var fresh = JobFile.Parse(Minimal, "job.yaml", "/base", [], "/cwd").ResolvedYaml.Split('\n');
        var started = JobFile.Parse(Minimal + "adapter: {init_from: init}\n", "job.yaml", "/base", [], "/cwd").ResolvedYaml.Split('\n');

        Assert.Contains("  init_from: /base/init", started);
        Assert.Equal(fresh.Where(line => !keys.Any(key => line.StartsWith($"  {key}", StringComparison.Ordinal)) && !line.Contains("init_from", StringComparison.Ordinal)),
            started.Where(line => !line.Contains("init_from", StringComparison.Ordinal)));
        Assert.Equal(fresh.Length - keys.Length, started.Length);
    }

    [Fact]
    public void Parse_EveryKindOfValue_ResolvesToAnEqualSpec()
    {
        var result = JobFile.Parse(
            """
            name: "näme: \"x\" \U0001F600"
            model: "a b/#c"
            adapter: {r: 0x10, lora_alpha: 1.5, lora_dropout: .25, target_modules: ["q_proj", "true"], exclude_modules: '.*\.0\..*', layers_to_transform: 3, rank_pattern: {"^a.*": 4, b: 2}, alpha_pattern: {c: 1e-08, d: 3}}
            quantization: {type: fp4, block_size: 128, skip_modules: []}
            data: {train: [a.jsonl, "b.jsonl"], eval_split: 5e-2, max_length: 0o10, truncation: right}
            training: {epochs: 2.5, max_steps: 7, learning_rate: 1e+1, warmup_steps: 0, optimizer: sgd, momentum: 0.9, seed: 9223372036854775807, eval_steps: 3, recompute: full}
            layout: {replicas: 2, stages: 2, layers: [3, 1]}
            resources: {workers: 4, compute_threads: 1, numeric_class: avx2}
            """,
            "x.yaml",
            "/base",
            [],
            "/cwd");
        Assert.Empty(result.Errors);
        var again = JobFile.Parse(result.ResolvedYaml, "y.yaml", "/z", [], "/");
        Assert.Empty(again.Errors);
        Assert.Equal(result.Spec, again.Spec);
        Assert.Equal("näme: \"x\" 😀", again.Spec!.Name);
        Assert.Equal([4, 2], again.Spec.Adapter.RankPattern.Select(pair => pair.Value));
        Assert.Equal(8, again.Spec.Data.MaxLength);
        Assert.Equal(".*\\.0\\..*", again.Spec.Adapter.ExcludeModules.Pattern);
        Assert.Equal("avx2", again.Spec.Resources.NumericClass);
    }

    [Fact]
    public void Parse_Json_IsAccepted()
    {
        var spec = Valid("{\n\t\"model\": \"a\\/b\",\n\t\"data\": {\"train\": [\"x.jsonl\"]},\n\t\"training\": {\"learning_rate\": 1E-4, \"max_steps\": null},\n\t\"name\": \"\\ud83d\\ude00\"\n}\n");
        Assert.Equal("/base/a/b", spec.Model);
        Assert.Equal(1e-4, spec.Training.LearningRate);
        Assert.Equal("😀", spec.Name);
    }

    [Fact]
    public void Parse_SeveralErrors_ReportsAllWithPlaceInOrder()
    {
        var errors = Errors(
            """
            model: tiny
            data:
              train: a.jsonl
              max_lenght: 100
            training:
              learning_rate: fast
              epochs: 0
              seed: 1.5
            adaptor: {}
            """);
        Assert.Equal(
            [
                "job.yaml, line 4, column 3: unknown key 'max_lenght' in data; did you mean 'max_length'?",
                "job.yaml, line 6, column 18: training.learning_rate must be a number of at least 0 and at most 1000000, not 'fast'.",
                "job.yaml, line 7, column 11: training.epochs must be a number above 0 and at most 1000000, not '0'.",
                "job.yaml, line 8, column 9: training.seed must be a whole number of at least 0, not '1.5'.",
                "job.yaml, line 9, column 1: unknown key 'adaptor'; did you mean 'adapter'?",
            ],
            errors);
    }

    [Theory]
    [InlineData("max_steps: 5", "unknown key 'max_steps'; did you mean 'training.max_steps'?")]
    [InlineData("training: {bta: 1}", "did you mean")]
    [InlineData("training: {lerning_rate: 1}", "did you mean 'learning_rate'?")]
    [InlineData("training: {dpo: {bet: 1}}", "unknown key 'bet' in training.dpo; did you mean 'beta'?")]
    [InlineData("layout: {replica: 2}", "unknown key 'replica' in layout; did you mean 'replicas'?")]
    [InlineData("training.max_steps: 5", "unknown key")]
    [InlineData("adapter: 5", "adapter must be a mapping of keys, not '5'")]
    [InlineData("adapter: {r: '16'}", "adapter.r must be a whole number from 1 to 65536, not '16'")]
    [InlineData("adapter: {r: [16]}", "not a list")]
    [InlineData("adapter: {use_rslora: yes}", "adapter.use_rslora must be true or false, not 'yes'")]
    [InlineData("adapter: {target_modules: []}", "nothing would be trained")]
    [InlineData("training: {reduction_slots: 12}", "a power of two from 1 to 1024")]
    [InlineData("training: {adam_epsilon: .inf}", "training.adam_epsilon must be a number")]
    [InlineData("layout: {replicas: 2, stages: 2, layers: [4]}", "layout.layers has 1 numbers where layout.stages is 2")]
    [InlineData("layout: {replicas: 32}", "at most training.reduction_slots = 16 replicas")]
    [InlineData("layout: {replicas: 2, stages: 2}\nresources: {workers: 3}", "layout 2 x 2 (replicas x stages) needs 4 workers, but resources.workers is 3")]
    [InlineData("resources: {numeric_class: avx1024}", "line 4, column 28: resources.numeric_class must be portable, avx2, avx512, avx512_bf16, amx_bf16 or auto, not 'avx1024'")]
    [InlineData("resources: {numeric_class: null}", "resources.numeric_class must be portable")]
    [InlineData("resources: {compute_threads: 1025}", "line 4, column 30: resources.compute_threads must be a whole number from 1 to 1024, or auto, not '1025'")]
    [InlineData("resources: {compute_threads: 0}", "resources.compute_threads must be a whole number from 1 to 1024, or auto, not '0'")]
    [InlineData("training: {momentum: 0.9}", "belongs to the optimizer sgd")]
    [InlineData("training: {optimizer: sgd, adam_beta1: 0.8}", "belongs to the optimizer adamw")]
    [InlineData("adapter: {init_from: x, r: 8}", "adapter.r comes from the adapter in adapter.init_from")]
    [InlineData("adapter: {init_from: x, r: 16}", "line 4, column 28: adapter.r comes from the adapter in adapter.init_from")]
    [InlineData("adapter: {init_from: x, target_modules: all-linear}", "adapter.target_modules comes from the adapter in adapter.init_from")]
    [InlineData("training: {optimizer: adam}", "training.optimizer must be adamw, adamw_8bit, sgd or lion (not built yet: adamw_8bit, lion), not 'adam'.")]
    [InlineData("name: a\nname: b", "the key 'name' stands twice in the same mapping")]
    [InlineData("name: &a x\noutput: *a", "anchors and aliases are not supported")]
    [InlineData("name: !!str 5", "tags are not supported")]
    [InlineData("? [a]\n: 5", "a key must be a name")]
    [InlineData("name: x\n---\nname: y", "a job file holds one")]
    [InlineData("name: [1, 2", "not valid YAML")]
    [InlineData("name: 'x", "not valid YAML")]
    public void Parse_Mistake_IsNamed(string lines, string expected)
    {
        var errors = Errors(Minimal + lines + "\n");
        Assert.Contains(errors, error => error.Contains(expected, StringComparison.Ordinal) && error.StartsWith("job.yaml, line ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("adapter: {use_dora: true}", "adapter.use_dora: true is not built yet; leave it at false")]
    [InlineData("adapter: {bias: lora_only}", "adapter.bias: lora_only is not built yet")]
    [InlineData("adapter: {modules_to_save: [embed_tokens]}", "adapter.modules_to_save: [embed_tokens] is not built yet")]
    [InlineData("adapter: {init_lora_weights: pissa}", "adapter.init_lora_weights: pissa is not built yet")]
    [InlineData("training: {method: dpo}", "training.method: dpo is not built yet; leave it at sft.")]
    [InlineData("training: {optimizer: adamw_8bit}", "training.optimizer: adamw_8bit is not built yet")]
    [InlineData("training: {optimizer: lion}", "training.optimizer: lion is not built yet; give adamw or sgd.")]
    [InlineData("training: {lr_scheduler: wsd}", "training.lr_scheduler: wsd is not built yet")]
    [InlineData("training: {min_lr_ratio: 0.1}", "training.min_lr_ratio: 0.1 is not built yet")]
    [InlineData("training: {neftune_noise_alpha: 5}", "training.neftune_noise_alpha: 5.0 is not built yet")]
    [InlineData("training: {early_stopping_patience: 2}", "training.early_stopping_patience: 2 is not built yet")]
    [InlineData("training: {recompute: selective}", "training.recompute: selective is not built yet")]
    [InlineData("training: {dpo: {beta: 0.2}}", "training.dpo.beta: 0.2 is not built yet")]
    [InlineData("determinism: fast", "determinism: fast is not built yet")]
    [InlineData("rebalance: true", "rebalance: true is not built yet")]
    [InlineData("priority: high", "priority: high is not built yet")]
    public void Parse_KnownButNotBuilt_IsRefusedByName(string lines, string expected)
        => Assert.Contains(expected, Assert.Single(Errors(Minimal + lines + "\n")), StringComparison.Ordinal);

    [Theory]
    [InlineData("format: preference", "data.format: preference is not built yet; give auto, messages, sharegpt, alpaca, prompt_completion, text or tokens.")]
    [InlineData("chat_template: chatml", "data.chat_template: chatml is not built yet as the name of a template")]
    [InlineData("fields: {promt: question}", "unknown field 'promt' in data.fields; did you mean 'prompt'?")]
    [InlineData("fields: {prompt: [question]}", "data.fields.prompt must be the name of a field of the rows, not a list")]
    [InlineData("clock: yesterday", "data.clock must be a date or moment such as 2026-02-03")]
    public void Parse_DataWrongOrNotBuilt_IsRefusedByName(string line, string expected)
        => Assert.Contains(expected, Assert.Single(Errors(Minimal + "  " + line + "\n")), StringComparison.Ordinal);

    [Fact]
    public void Parse_DataOfTexts_IsReadAndWrittenBack()
    {
        var result = JobFile.Parse(
            Minimal + "  format: prompt_completion\n  fields: {prompt: question, completion: the answer}\n  chat_template: my.jinja\n  loss_on: completion\n  clock: 2026-02-03\n  truncation: left\n",
            "job.yaml", "/base", [], "/cwd");
        Assert.Empty(result.Errors);
        var data = result.Spec!.Data;
        Assert.Equal((DataFormat.PromptCompletion, LossOn.Completion, Truncation.Left), (data.Format, data.LossOn, data.Truncation));
        Assert.Equal(("/base/my.jinja", new DateTime(2026, 2, 3)), (data.ChatTemplate, data.Clock));
        Assert.Equal([new("prompt", "question"), new("completion", "the answer")], data.Fields);
        Assert.Equal(result.Spec, JobFile.Parse(result.ResolvedYaml, "again.yaml", "/", [], "/").Spec);
    }

    [Theory]
    [InlineData("model: m\ndata:\n  train: [{path: a, weight: 1}]\n", "line 3, column 11: data.train as a mix of {path, weight} is not built yet")]
    [InlineData(Minimal + "  eval: {path: a}\n", "line 4, column 9: data.eval as a mix of {path, weight} is not built yet")]
    public void Parse_Mix_IsRefusedByTheNameOfItsKey(string text, string expected)
        => Assert.Contains(expected, Assert.Single(Errors(text)), StringComparison.Ordinal);

    [Fact]
    public void Parse_MissingKeys_AreNamed()
        => Assert.Equal(
            ["job.yaml, line 1, column 1: data.train is missing; it must be a file or a list of files.", "job.yaml, line 1, column 1: model is missing; it must be a path."],
            Errors("name: x\n").Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("null")]
    public void Parse_EmptyDocument_SaysSo(string text) => Assert.Contains("the document is empty", Assert.Single(Errors(text)), StringComparison.Ordinal);

    [Fact]
    public void Parse_TabInIndentation_PointsAtTheTab()
        => Assert.StartsWith("job.yaml, line 3, column 1: it is not valid YAML", Assert.Single(Errors("model: m\ndata:\n\ttrain: x\n")), StringComparison.Ordinal);

    [Fact]
    public void Parse_Sets_OverrideAndResolvePathsFromTheCurrentFolder()
    {
        var result = JobFile.Parse(
            Minimal,
            "job.yaml",
            "/base",
            ["training.max_steps=20", "layout={replicas: 2, stages: 1}", "layout.stages=2", "data.eval=e.jsonl", "training={seed: 7, dpo: {beta: 0.1}}", "output=out", "adapter.rank_pattern.q_proj=4", "training.max_steps=21"],
            "/cwd");
        Assert.Empty(result.Errors);
        var spec = result.Spec!;
        Assert.Equal(21, spec.Training.MaxSteps);
        Assert.Equal(7UL, spec.Training.Seed);
        Assert.Equal((2, 2), (spec.Layout!.Replicas, spec.Layout.Stages));
        Assert.Equal(["/cwd/e.jsonl"], spec.Data.Eval);
        Assert.Equal(["/base/a.jsonl"], spec.Data.Train);
        Assert.Equal("/cwd/out", spec.Output);
        Assert.Equal("q_proj", spec.Adapter.RankPattern[0].Key);
    }

    [Theory]
    [InlineData("training.max_stps=3", "--set training.max_stps=3: unknown key 'max_stps' in training; did you mean 'max_steps'?")]
    [InlineData("trainin.max_steps=3", "--set trainin.max_steps=3: unknown key 'trainin'; did you mean 'training'?")]
    [InlineData("training.seed.x=3", "--set training.seed.x=3: training.seed has no keys below it")]
    [InlineData("training.max_steps=many", "--set training.max_steps=many: training.max_steps must be a whole number")]
    [InlineData("training.max_steps", "--set training.max_steps: the option must be KEY=VALUE")]
    [InlineData("layout={replicas: [", "--set layout={replicas: [: it is not valid YAML")]
    [InlineData("training.method=dpo", "--set training.method=dpo: training.method: dpo is not built yet")]
    public void Parse_WrongSet_NamesTheOption(string set, string expected)
    {
        var result = JobFile.Parse(Minimal, "job.yaml", "/base", [set], "/cwd");
        Assert.StartsWith(expected, Assert.Single(result.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void ParseWithPaths_OfWhatIsNotThere_NamesEachAtItsPlaceBesideTheOtherErrors()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("there"));
        File.WriteAllText(folder.At("there.jsonl"), "");
        const string Text = """
            model: base
            data:
              train: [there.jsonl, a.jsonl, there]
              eval_split: 0.5
              eval: e.jsonl
              chat_template: ./t.jinja
            adapter: {init_from: there.jsonl}
            """;

        var result = JobFile.ParseWithPaths(Text, "job.yaml", folder.Path, ["data.eval=[/none.jsonl, f.jsonl]"], folder.At("there"));

        Assert.Null(result.Spec);
        Assert.Equal(
            [
                $"job.yaml, line 1, column 8: model: '{folder.At("base")}' does not exist; give the path of a model folder, for nothing is downloaded (relative paths are relative to the job file).",
                $"job.yaml, line 3, column 24: data.train: '{folder.At("a.jsonl")}' does not exist; give the path of a data file (relative paths are relative to the job file).",
                $"job.yaml, line 3, column 33: data.train: '{folder.At("there")}' is a folder; give a data file (relative paths are relative to the job file).",
                "job.yaml, line 4, column 15: data.eval and data.eval_split are both given; keep one of them.",
                $"job.yaml, line 6, column 18: data.chat_template: '{folder.At("t.jinja")}' does not exist; give the path of a .jinja file (relative paths are relative to the job file).",
                $"job.yaml, line 7, column 22: adapter.init_from: '{folder.At("there.jsonl")}' is a file; give an adapter folder (relative paths are relative to the job file).",
                "--set data.eval=[/none.jsonl, f.jsonl]: data.eval: '/none.jsonl' does not exist; give the path of a data file.",
                $"--set data.eval=[/none.jsonl, f.jsonl]: data.eval: '{folder.At("there", "f.jsonl")}' does not exist; give the path of a data file (relative paths are relative to the current folder).",
            ],
            result.Errors);
    }

    [Fact]
    public void ParseWithPaths_OfWhatIsThere_IsTheJob()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("base"));
        File.WriteAllText(folder.At("a.jsonl"), "");
        const string Text = "{model: base, data: {train: a.jsonl, eval: null}}";

        Assert.Equal(JobFile.Parse(Text, "job.yaml", folder.Path, [], "/").Spec, JobFile.ParseWithPaths(Text, "job.yaml", folder.Path, [], "/").Spec);
    }

    [Fact]
    public void Hash_OfTheSameNumbers_IgnoresPlaceNameAndLayout()
    {
        var one = JobHash.Compute(Valid(Minimal + "name: a\nlayout: {replicas: 2}\n"), ["base", "data"]);
        var two = JobHash.Compute(Valid("model: other\ndata: {train: b.jsonl}\n"), ["base", "data"]);
        Assert.Equal(one, two);
        Assert.Equal(one, JobHash.Compute(Valid(Minimal + "training: {save_steps: 7, save_total_limit: 9}\nallow_class_change: true\n"), ["base", "data"]));
        Assert.NotEqual(one, JobHash.Compute(Valid(Minimal + "adapter: {rank_pattern: {a: 3}}\n"), ["base", "data"]));
        Assert.NotEqual(one, JobHash.Compute(Valid(Minimal), ["base", "other"]));
    }

    /// <summary>A run goes on with <c>--resume</c> under a newer program only if its hash stays: whoever changes this one says so to those who have runs.</summary>
    [Fact]
    public void Hash_OfAJob_StaysFromVersionToVersion() =>
        Assert.Equal("fefab969c782d21cfe22a3a5ff92aa19917cb344de4fcf9368846befc6ba8788", JobHash.Compute(Valid(Minimal + "adapter: {r: 8, rank_pattern: {a: 3}}\ntraining: {seed: 7}\n"), ["base", "data"]));

    [Fact]
    public void Schema_PublishedFile_IsThatOfTheTable()
    {
        var path = Path.Combine(Fixtures.Repository, "coordinator", "Jobs", "job.schema.json");
        if (Environment.GetEnvironmentVariable("ORCHESTRATOR_WRITE_SCHEMA") == "1")
        {
            File.WriteAllText(path, JobSchema.Write());
        }

        Assert.True(File.Exists(path) && File.ReadAllText(path) == JobSchema.Write(), $"The table of keys has changed: run this test with ORCHESTRATOR_WRITE_SCHEMA=1 and commit {path}.");
    }

    [Fact]
    public void Values_SpecDefaults_AreThoseOfTheTable()
        => Assert.Equal(DType.Unspecified, Valid(Minimal).Quantization.ComputeDtype);

    private static JobSpec Valid(string text)
    {
        var result = JobFile.Parse(text, "job.yaml", "/base", [], "/cwd");
        Assert.Empty(result.Errors);
        return result.Spec!;
    }

    private static IReadOnlyList<string> Errors(string text)
    {
        var result = JobFile.Parse(text, "job.yaml", "/base", [], "/cwd");
        Assert.Null(result.Spec);
        Assert.NotEmpty(result.Errors);
        Assert.Empty(result.ResolvedYaml);
        return result.Errors;
    }
}
