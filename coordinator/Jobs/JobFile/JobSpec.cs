using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A job file after parsing: every key has its value, every path is absolute.</summary>
/// <remarks>Immutable and compared by value. Keys of which only the default is built have no property; the parser has refused every other value of them.</remarks>
internal sealed record JobSpec
{
    /// <summary>The job's name; without one in the document, the document's name without its extension.</summary>
    public required string Name { get; init; }

    /// <summary>The Hugging Face folder, absolute.</summary>
    public required string Model { get; init; }

    public AdapterSpec Adapter { get; init; } = new();
    public QuantizationSettings Quantization { get; init; } = new();
    public required DataSpec Data { get; init; }
    public TrainingSpec Training { get; init; } = new();

    /// <summary>The layout that the job asks for; null: <c>auto</c>.</summary>
    public LayoutSpec? Layout { get; init; }

    public ResourcesSpec Resources { get; init; } = new();

    /// <summary>The output folder, absolute.</summary>
    public required string Output { get; init; }
}

/// <summary>What is trained: PEFT's names and meanings.</summary>
internal sealed record AdapterSpec
{
    public int R { get; init; } = 16;
    public double LoraAlpha { get; init; } = 32;
    public double LoraDropout { get; init; }
    public ModuleSelection TargetModules { get; init; } = ModuleSelection.AllLinear;

    /// <summary>What is left out; empty: nothing.</summary>
    public ModuleSelection ExcludeModules { get; init; } = ModuleSelection.Nothing;

    /// <summary>Layers that get adapters; null: all.</summary>
    public ValueList<int>? LayersToTransform { get; init; }

    public ValueMap<int> RankPattern { get; init; } = ValueMap<int>.Empty;
    public ValueMap<double> AlphaPattern { get; init; } = ValueMap<double>.Empty;
    public bool UseRslora { get; init; }

    /// <summary>A PEFT adapter folder to start from (absolute), from which r and the rest come; null: a fresh adapter.</summary>
    public string? InitFrom { get; init; }
}

/// <summary>How the frozen base is held.</summary>
internal sealed record QuantizationSettings
{
    public QuantizationType Type { get; init; } = QuantizationType.Nf4;
    public int BlockSize { get; init; } = 64;
    public bool DoubleQuant { get; init; } = true;

    /// <summary>The compute and residual type; Unspecified: <c>auto</c>, resolved when the job is first placed.</summary>
    public DType ComputeDtype { get; init; } = DType.Unspecified;

    public ValueList<string> SkipModules { get; init; } = ["lm_head"];
}

/// <summary>Where the samples come from and how they are cut.</summary>
internal sealed record DataSpec
{
    /// <summary>Training files, absolute, read one after the other.</summary>
    public required ValueList<string> Train { get; init; }

    /// <summary>Evaluation files, absolute; empty: none, or <see cref="EvalSplit"/>.</summary>
    public ValueList<string> Eval { get; init; } = [];

    /// <summary>Share of the training samples held out for evaluation; null: none.</summary>
    public double? EvalSplit { get; init; }

    public DataFormat Format { get; init; } = DataFormat.Auto;

    /// <summary>The rows' own names by the format's names.</summary>
    public ValueMap<string> Fields { get; init; } = ValueMap<string>.Empty;

    /// <summary>A template file, absolute; null: the model folder's own.</summary>
    public string? ChatTemplate { get; init; }

    public LossOn LossOn { get; init; } = LossOn.Auto;

    /// <summary>What strftime_now tells; null: the day of the preparation.</summary>
    public DateTime? Clock { get; init; }

    public int MaxLength { get; init; } = 2048;
    public Truncation Truncation { get; init; } = Truncation.Drop;
    public bool Packing { get; init; } = true;
    public bool Shuffle { get; init; } = true;
}

internal enum DataFormat
{
    Auto,
    Messages,
    Sharegpt,
    Alpaca,
    PromptCompletion,
    Text,
    Tokens,
}

/// <summary>Which tokens of a sample carry loss.</summary>
internal enum LossOn
{
    /// <summary>Assistant for chats, completion for prompt/completion and alpaca, all for text.</summary>
    Auto,
    Completion,
    Assistant,
    All,
}

/// <summary>What happens to a sample longer than max_length.</summary>
internal enum Truncation
{
    Drop,

    /// <summary>The end is cut off.</summary>
    Right,

    /// <summary>The start is cut off.</summary>
    Left,
    Error,
}

internal enum LearningRateScheduler
{
    Constant,
    Linear,
    Cosine,
}

internal enum RecomputeChoice
{
    Auto,
    None,
    Full,
}

/// <summary>How it is trained.</summary>
internal sealed record TrainingSpec
{
    public double Epochs { get; init; } = 1;

    /// <summary>Number of steps; it wins over <see cref="Epochs"/> where given.</summary>
    public int? MaxSteps { get; init; }

    public int GlobalBatchSize { get; init; } = 32;

    /// <summary>Token budget of a micro-batch; null: <c>auto</c>.</summary>
    public int? MicroBatchTokens { get; init; }

    /// <summary>Samples of a micro-batch; used where <see cref="MicroBatchTokens"/> is auto.</summary>
    public int? MicroBatchSize { get; init; }

    public int ReductionSlots { get; init; } = 16;
    public double LearningRate { get; init; } = 2.0e-4;
    public LearningRateScheduler LrScheduler { get; init; } = LearningRateScheduler.Cosine;
    public double WarmupRatio { get; init; } = 0.03;

    /// <summary>Steps of warm-up; it wins over <see cref="WarmupRatio"/> where given (0: none).</summary>
    public int? WarmupSteps { get; init; }

    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adamw;
    public double Momentum { get; init; }
    public double WeightDecay { get; init; }
    public double AdamBeta1 { get; init; } = 0.9;
    public double AdamBeta2 { get; init; } = 0.999;
    public double AdamEpsilon { get; init; } = 1.0e-8;

    /// <summary>Largest gradient norm; 0: no clipping.</summary>
    public double MaxGradNorm { get; init; } = 1.0;

    public ulong Seed { get; init; } = 42;

    /// <summary>Steps between evaluations: a count from 1, or a fraction of all steps below 1.</summary>
    public double EvalSteps { get; init; } = 0.1;

    public int MaxSkippedSteps { get; init; } = 8;
    public RecomputeChoice Recompute { get; init; } = RecomputeChoice.Auto;
}

/// <summary>An explicit layout.</summary>
internal sealed record LayoutSpec
{
    public int Replicas { get; init; } = 1;
    public int Stages { get; init; } = 1;

    /// <summary>Layers of each stage; null: as equal as possible.</summary>
    public ValueList<int>? Layers { get; init; }
}

/// <summary>What the job may take; null: <c>auto</c>.</summary>
internal sealed record ResourcesSpec
{
    public int? Workers { get; init; }
    public int? ComputeThreads { get; init; }
    public string? NumericClass { get; init; }
}

/// <summary>Modules chosen as PEFT chooses them: all linear layers, a list of names (suffixes), or one regular expression that matches whole names.</summary>
internal sealed record ModuleSelection
{
    public static readonly ModuleSelection AllLinear = new() { IsAllLinear = true };
    public static readonly ModuleSelection Nothing = new();

    public bool IsAllLinear { get; private init; }
    public ValueList<string> Names { get; private init; } = [];
    public string? Pattern { get; private init; }
    public bool IsEmpty => !IsAllLinear && Pattern is null && Names.Count == 0;

    public static ModuleSelection Of(IEnumerable<string> names) => new() { Names = [.. names] };

    public static ModuleSelection Matching(string pattern) => new() { Pattern = pattern };
}

/// <summary>The outcome of reading a job file: the spec, or every error at once.</summary>
/// <param name="Spec">The job; null when there is any error.</param>
/// <param name="Errors">One sentence each with document, line and column (or the option), in document order.</param>
/// <param name="ResolvedYaml">The document with every key, default and absolute path; parsing it gives an equal spec. Empty when there is any error.</param>
internal sealed record JobFileResult(JobSpec? Spec, IReadOnlyList<string> Errors, string ResolvedYaml);
