using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>Makes the typed spec from the values of all keys.</summary>
internal static class JobSpecBuilder
{
    public static JobSpec Build(JobValues values) => new()
    {
        Name = values.Get<string>("name"),
        Model = values.Get<string>("model"),
        Adapter = Adapter(values),
        Quantization = Quantization(values),
        Data = Data(values),
        Training = Training(values),
        AllowClassChange = values.Get<bool>("allow_class_change"),
        Mirrors = values.Get<string>("resilience") == "mirror",
        Layout = values.Get<LayoutSpec?>("layout"),
        Resources = new ResourcesSpec
        {
            Workers = OptionalInt(values, "resources.workers"),
            ComputeThreads = OptionalInt(values, "resources.compute_threads"),
            NumericClass = values.Get<string?>("resources.numeric_class"),
        },
        Output = values.Get<string>("output"),
    };

    private static AdapterSpec Adapter(JobValues values) => new()
    {
        R = Int(values, "adapter.r"),
        LoraAlpha = values.Get<double>("adapter.lora_alpha"),
        LoraDropout = values.Get<double>("adapter.lora_dropout"),
        TargetModules = values.Get<ModuleSelection>("adapter.target_modules"),
        ExcludeModules = values.Get<ModuleSelection>("adapter.exclude_modules"),
        LayersToTransform = values.Get<ValueList<int>?>("adapter.layers_to_transform"),
        RankPattern = values.Get<ValueMap<int>>("adapter.rank_pattern"),
        AlphaPattern = values.Get<ValueMap<double>>("adapter.alpha_pattern"),
        UseRslora = values.Get<bool>("adapter.use_rslora"),
        InitFrom = values.Get<string?>("adapter.init_from"),
    };

    private static QuantizationSettings Quantization(JobValues values) => new()
    {
        Type = values.Get<string>("quantization.type") switch { "nf4" => QuantizationType.Nf4, "fp4" => QuantizationType.Fp4, _ => QuantizationType.None },
        BlockSize = Int(values, "quantization.block_size"),
        DoubleQuant = values.Get<bool>("quantization.double_quant"),
        ComputeDtype = values.Get<string>("quantization.compute_dtype") switch { "bfloat16" => DType.Bf16, "float32" => DType.F32, _ => DType.Unspecified },
        SkipModules = values.Get<ValueList<string>>("quantization.skip_modules"),
    };

    private static DataSpec Data(JobValues values) => new()
    {
        Train = values.Get<ValueList<string>>("data.train"),
        Eval = values.Get<ValueList<string>>("data.eval"),
        EvalSplit = values.Get<double?>("data.eval_split"),
        Format = Enum.Parse<DataFormat>(values.Get<string>("data.format").Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
        Fields = values.Get<ValueMap<string>>("data.fields"),
        ChatTemplate = values.Get<string?>("data.chat_template"),
        LossOn = Choice<LossOn>(values, "data.loss_on"),
        Clock = values.Get<DateTime?>("data.clock"),
        MaxLength = Int(values, "data.max_length"),
        Truncation = Choice<Truncation>(values, "data.truncation"),
        Packing = values.Get<bool>("data.packing"),
        Shuffle = values.Get<bool>("data.shuffle"),
    };

    private static TrainingSpec Training(JobValues values) => new()
    {
        Epochs = values.Get<double>("training.epochs"),
        MaxSteps = OptionalInt(values, "training.max_steps"),
        GlobalBatchSize = Int(values, "training.global_batch_size"),
        MicroBatchTokens = OptionalInt(values, "training.micro_batch_tokens"),
        MicroBatchSize = OptionalInt(values, "training.micro_batch_size"),
        ReductionSlots = Int(values, "training.reduction_slots"),
        LearningRate = values.Get<double>("training.learning_rate"),
        LrScheduler = Choice<LearningRateScheduler>(values, "training.lr_scheduler"),
        WarmupRatio = values.Get<double>("training.warmup_ratio"),
        WarmupSteps = OptionalInt(values, "training.warmup_steps"),
        Optimizer = values.Get<string>("training.optimizer") == "sgd" ? OptimizerKind.Sgd : OptimizerKind.Adamw,
        Momentum = values.Get<double>("training.momentum"),
        WeightDecay = values.Get<double>("training.weight_decay"),
        AdamBeta1 = values.Get<double>("training.adam_beta1"),
        AdamBeta2 = values.Get<double>("training.adam_beta2"),
        AdamEpsilon = values.Get<double>("training.adam_epsilon"),
        MaxGradNorm = values.Get<double>("training.max_grad_norm"),
        Seed = (ulong)values.Get<long>("training.seed"),
        EvalSteps = values.Get<double>("training.eval_steps"),
        SaveSteps = values.Get<double>("training.save_steps"),
        SaveTotalLimit = Int(values, "training.save_total_limit"),
        MaxSkippedSteps = Int(values, "training.max_skipped_steps"),
        Recompute = Choice<RecomputeChoice>(values, "training.recompute"),
    };

    private static int Int(JobValues values, string path) => (int)values.Get<long>(path);

    private static int? OptionalInt(JobValues values, string path) => (int?)values.Get<long?>(path);

    private static T Choice<T>(JobValues values, string path)
        where T : struct, Enum
        => Enum.Parse<T>(values.Get<string>(path), ignoreCase: true);
}
