namespace Orchestrator.Coordinator.Jobs;

/// <summary>Every key of the job file, in one table: parser, resolved document and JSON Schema are made from it.</summary>
/// <remarks>
/// What is not built yet stands here with <see cref="JobKey.NotBuilt"/> or <see cref="JobKey.OnlyDefaultIsBuilt"/>: its default changes nothing and is
/// accepted; any other value would be silently ignored and is therefore refused by name.
/// </remarks>
internal static class JobKeys
{
    /// <summary>The most compute threads that a worker takes.</summary>
    public const int MaxComputeThreads = 1024;

    /// <summary>The instruction paths that a worker can be held to.</summary>
    public static readonly IReadOnlyList<string> InstructionPaths = ["portable", "avx2", "avx512", "avx512_bf16", "amx_bf16"];

    /// <summary>With adapter.init_from these come from that adapter's own configuration.</summary>
    public static readonly IReadOnlyList<string> OfInitialAdapter =
    [
        "adapter.r", "adapter.lora_alpha", "adapter.lora_dropout", "adapter.target_modules", "adapter.exclude_modules", "adapter.layers_to_transform",
        "adapter.rank_pattern", "adapter.alpha_pattern", "adapter.use_rslora",
    ];

    private static readonly KeyType Flag = new BooleanType();
    private static readonly KeyType Share = new NumberType(0, max: 1);

    public static readonly IReadOnlyList<JobKey> All =
    [
        new("name", new TextType("null"), "null", "The job's name; by default the document's."),
        new("model", new PathType(), null, "Hugging Face folder of the base model."),

        new("adapter.r", new IntegerType(1, 65_536), "16", "LoRA rank."),
        new("adapter.lora_alpha", new NumberType(0, excludeMin: true), "32", "LoRA scale: alpha / r, or alpha / sqrt(r) with use_rslora."),
        new("adapter.lora_dropout", new NumberType(0, max: 1, excludeMax: true), "0.0", "Dropout before lora_A."),
        new("adapter.target_modules", new ModulesType(), "all-linear", "all-linear, a list of names, or a regular expression."),
        new("adapter.exclude_modules", new ModulesType(), "[]", "What target_modules leaves out: a list of names, or a regular expression."),
        new("adapter.layers_to_transform", new LayersType(), "null", "Layers that get adapters; null: all."),
        new("adapter.rank_pattern", new PatternType<int>("whole numbers of at least 1", new IntegerType(1, 65_536), value => (int)(long)value), "{}", "Ranks of single modules."),
        new("adapter.alpha_pattern", new PatternType<double>("numbers above 0", new NumberType(0, excludeMin: true), value => (double)value), "{}", "Alphas of single modules."),
        new("adapter.use_rslora", Flag, "false", "Scale by alpha / sqrt(r)."),
        new("adapter.use_dora", Flag, "false", "Weight-decomposed LoRA.") { OnlyDefaultIsBuilt = true },
        new("adapter.bias", new ChoiceType("none", "all", "lora_only"), "none", "Which biases are trained.") { NotBuilt = ["all", "lora_only"] },
        new("adapter.modules_to_save", new NamesType(), "[]", "Modules that are trained whole.") { OnlyDefaultIsBuilt = true },
        new("adapter.init_lora_weights", new ChoiceType("true", "gaussian", "pissa", "loftq", "olora"), "true", "How a fresh adapter starts.")
        { NotBuilt = ["gaussian", "pissa", "loftq", "olora"] },
        new("adapter.loftq_iterations", new IntegerType(1, 1000), "1", "Iterations of LoftQ.") { OnlyDefaultIsBuilt = true },
        new("adapter.init_from", new PathType("null"), "null", "A PEFT adapter folder to start from; r and the rest come from it."),

        new("quantization.type", new ChoiceType("nf4", "fp4", "none"), "nf4", "How the frozen base is held."),
        new("quantization.block_size", new IntegerType(32, 4096, powerOfTwo: true), "64", "Weights that share a scale."),
        new("quantization.double_quant", Flag, "true", "Quantize the scales too."),
        new("quantization.compute_dtype", new ChoiceType("auto", "bfloat16", "float32"), "auto", "bfloat16 where the device multiplies it faster than float32, else float32."),
        new("quantization.skip_modules", new NamesType(), "[lm_head]", "Modules that stay in 16 bits."),

        new("data.train", new FilesType(optional: false), null, "Training data: a file or a list of files."),
        new("data.eval", new FilesType(optional: true), "null", "Evaluation data."),
        new("data.eval_split", new NumberType(0, excludeMin: true, max: 1, excludeMax: true, absent: "null"), "null", "Share of the training samples held out for evaluation."),
        new("data.format", new ChoiceType("auto", "messages", "sharegpt", "alpaca", "prompt_completion", "text", "tokens", "preference"), "auto", "What a row looks like.")
        { NotBuilt = ["preference"] },
        new("data.fields", new FieldsType(), "{}", "The rows' own names for the format's fields, e.g. {prompt: question, completion: answer}."),
        new("data.chat_template", new ChatTemplateType(), "model", "The chat template: the model folder's own, or a .jinja file."),
        new("data.loss_on", new ChoiceType("auto", "completion", "assistant", "all"), "auto", "What carries loss; token rows carry their own labels."),
        new("data.clock", new ClockType(), "null", "The moment that strftime_now in a chat template tells (ISO 8601); null: the day on which the data is prepared."),
        new("data.max_length", new IntegerType(2, 1 << 24), "2048", "Longest sample in tokens."),
        new("data.truncation", new ChoiceType("drop", "right", "left", "error"), "drop", "What happens to a longer one: left out, cut at its end (right) or at its start (left), or an error."),
        new("data.packing", Flag, "true", "Lay several samples of a step end to end in one product; attention stays inside each."),
        new("data.shuffle", Flag, "true", "A new order every epoch; false: file order."),

        new("training.method", new ChoiceType("sft", "dpo"), "sft", "Supervised fine-tuning or direct preference optimization.") { NotBuilt = ["dpo"] },
        new("training.epochs", new NumberType(0, excludeMin: true, max: 1_000_000), "1", "Passes over the data."),
        new("training.max_steps", new IntegerType(1, 100_000_000, "null"), "null", "Number of steps; wins over epochs."),
        new("training.global_batch_size", new IntegerType(1, 1 << 24), "32", "Samples of an optimizer step, whatever the layout."),
        new("training.micro_batch_tokens", new IntegerType(1, 1 << 24, "auto"), "auto", "Most tokens of a micro-batch."),
        new("training.micro_batch_size", new IntegerType(1, 1 << 24, "null"), "null", "Samples of a micro-batch, where micro_batch_tokens is auto."),
        new("training.reduction_slots", new IntegerType(1, 1024, powerOfTwo: true), "16", "The most replicas a job can have."),
        new("training.learning_rate", new NumberType(0, max: 1_000_000), "2.0e-4", "Peak of the schedule."),
        new("training.lr_scheduler", new ChoiceType("constant", "linear", "cosine", "cosine_with_min_lr", "inverse_sqrt", "polynomial", "wsd"), "cosine", "The schedule after warm-up.")
        { NotBuilt = ["cosine_with_min_lr", "inverse_sqrt", "polynomial", "wsd"] },
        new("training.min_lr_ratio", Share, "0.0", "Floor of cosine_with_min_lr.") { OnlyDefaultIsBuilt = true },
        new("training.warmup_ratio", Share, "0.03", "Share of all steps that warm up."),
        new("training.warmup_steps", new IntegerType(0, 100_000_000, "null"), "null", "Steps that warm up; wins over warmup_ratio."),
        new("training.optimizer", new ChoiceType("adamw", "adamw_8bit", "sgd", "lion"), "adamw", "The optimizer.") { NotBuilt = ["adamw_8bit", "lion"] },
        new("training.momentum", new NumberType(0, max: 1, excludeMax: true), "0.0", "Momentum of sgd."),
        new("training.weight_decay", new NumberType(0, max: 1_000_000), "0.0", "Weight decay."),
        new("training.adam_beta1", new NumberType(0, max: 1, excludeMax: true), "0.9", "Decay of adamw's first moment."),
        new("training.adam_beta2", new NumberType(0, max: 1, excludeMax: true), "0.999", "Decay of adamw's second moment."),
        new("training.adam_epsilon", new NumberType(0, excludeMin: true, max: 1), "1.0e-8", "Epsilon of adamw."),
        new("training.max_grad_norm", new NumberType(0, max: 1e30), "1.0", "Largest gradient norm; 0: no clipping."),
        new("training.neftune_noise_alpha", new NumberType(0, excludeMin: true, absent: "null"), "null", "Noise on embeddings.") { OnlyDefaultIsBuilt = true },
        new("training.seed", new IntegerType(0, long.MaxValue), "42", "Seed of order, dropout and initial weights."),
        new("training.eval_steps", new NumberType(0, excludeMin: true, max: 100_000_000), "0.1", "Steps between evaluations: a count, or a fraction of all steps."),
        new("training.save_steps", new NumberType(0, excludeMin: true, max: 100_000_000), "0.25", "Steps between checkpoints: a count, or a fraction of all steps."),
        new("training.save_total_limit", new IntegerType(1), "3", "Checkpoints that are kept."),
        new("training.early_stopping_patience", new IntegerType(1, absent: "null"), "null", "Evaluations without improvement.") { OnlyDefaultIsBuilt = true },
        new("training.max_skipped_steps", new IntegerType(0), "8", "Skipped steps in a row after which the job fails."),
        new("training.recompute", new ChoiceType("auto", "none", "selective", "full"), "auto", "What backward computes again instead of keeping it.") { NotBuilt = ["selective"] },
        new("training.dpo.beta", new NumberType(0, excludeMin: true), "0.1", "Beta of dpo.") { OnlyDefaultIsBuilt = true },

        new("determinism", new ChoiceType("strict", "fast"), "strict", "Equal bits on any layout, or not.") { NotBuilt = ["fast"] },
        new("resilience", new ChoiceType("mirror", "checkpoint"), "mirror", "Where a lost worker's state comes from: another worker, or the newest checkpoint."),
        new("allow_class_change", Flag, "false", "Go on on workers of another numeric class; the bits then differ."),
        new("rebalance", Flag, "false", "Move layers away from a slow worker.") { OnlyDefaultIsBuilt = true },
        new("layout", new LayoutType(), "auto", "auto, or replicas, stages and layers a stage."),
        new("resources.workers", new IntegerType(1, 100_000, "auto"), "auto", "Workers that the job takes."),
        new("resources.compute_threads", new IntegerType(1, MaxComputeThreads, "auto"), "auto", "Threads of a worker: part of the numeric class."),
        new("resources.numeric_class", new ChoiceType([.. InstructionPaths]) { Unset = "auto" }, "auto", "Instruction path that the job runs on."),
        new("priority", new ChoiceType("low", "normal", "high"), "normal", "Place in the queue.") { NotBuilt = ["low", "high"] },
        new("output", new PathType("null"), "null", "Output folder; by default NAME-out beside the document."),
    ];

    /// <summary>Dotted paths of all mappings that hold keys; the root is "".</summary>
    public static readonly IReadOnlyList<string> Sections = [.. All.Select(key => key.Section).Append("training").Distinct().Order(StringComparer.Ordinal)];

    private static readonly Dictionary<string, JobKey> ByPath = All.ToDictionary(key => key.Path, StringComparer.Ordinal);

    public static JobKey? Find(string path) => ByPath.GetValueOrDefault(path);

    /// <summary>Names of keys and sections directly in a section.</summary>
    public static IEnumerable<string> NamesIn(string section)
    {
        var prefix = section.Length == 0 ? "" : section + ".";
        return All.Select(key => key.Path).Concat(Sections)
            .Where(path => path.Length > prefix.Length && path.StartsWith(prefix, StringComparison.Ordinal) && !path.AsSpan(prefix.Length).Contains('.'))
            .Select(path => path[prefix.Length..]);
    }
}
