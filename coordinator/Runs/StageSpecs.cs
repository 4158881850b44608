using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Turns a job's facts and a place in the layout into what a worker is told to load.</summary>
/// <remarks>Pure.</remarks>
internal static class StageSpecs
{
    private const uint LossChunkTokens = 1_024;
    private const uint AttentionBlock = 512;

    public static LoadStage Load(JobMaterial material, JobPlacement placement, RankPlacement rank, JobScope scope, SavedState? state = null)
    {
        var load = new LoadStage { Scope = scope, Stage = Stage(material, placement, rank), HasEvaluation = material.Data.Eval is not null, State = state };
        load.Shards.Add(material.Data.Train.Shard);
        if (material.Data.Eval is { } evaluation)
        {
            load.Shards.Add(evaluation.Shard);
        }

        return load;
    }

    /// <summary>The type that the job computes in; <c>auto</c> is settled by the first worker it is placed on.</summary>
    public static DType ComputeDtype(JobSpec spec, AttachedWorker first) => spec.Quantization.ComputeDtype != DType.Unspecified
        ? spec.Quantization.ComputeDtype
        : first.FastBfloat16 ? DType.Bf16 : DType.F32;

    /// <summary><c>auto</c> recomputes nothing.</summary>
    public static Recompute RecomputeOf(JobSpec spec) => spec.Training.Recompute == RecomputeChoice.Full ? Recompute.Full : Recompute.None;

    private static StageSpec Stage(JobMaterial material, JobPlacement placement, RankPlacement rank)
    {
        var spec = material.Spec;
        var stage = new StageSpec
        {
            Model = material.Model.Spec,
            Place = new Place { Replica = (uint)rank.Replica, Stage = (uint)rank.Stage },
            NumReplicas = (uint)placement.NumReplicas,
            NumStages = (uint)placement.NumStages,
            FirstLayer = (uint)rank.FirstLayer,
            LastLayer = (uint)rank.LastLayer,
            Embedding = rank.Stage == 0,
            Head = rank.Stage == placement.NumStages - 1,
            Quantization = Quantization(spec.Quantization),
            Optimizer = Optimizer(spec.Training),
            Recompute = RecomputeOf(spec),
            MaxMicroBatchTokens = (uint)material.Steps.MaxMicroBatchTokens,
            Training = true,
            NumChunks = TargetModules.NumChunks(material.Modules),
            Constants = Constants(placement.ComputeDtype, spec.Training),
        };
        stage.Base.AddRange(material.Model.StageSlices(
            stage.FirstLayer, stage.LastLayer, stage.Embedding, stage.Head, spec.Quantization.Type != QuantizationType.None, material.Skip));
        stage.Adapter.AddRange(material.Modules.Where(module => module.Layer >= rank.FirstLayer && module.Layer <= rank.LastLayer));
        return stage;
    }

    /// <summary>The constants that fix the bits; the same for a job and for a command that computes.</summary>
    public static NumericConstants Constants(DType computeDtype, TrainingSpec training) => new()
    {
        ComputeDtype = computeDtype,
        ReductionSlots = (uint)training.ReductionSlots,
        ChunkElements = TargetModules.ChunkElements,
        LossChunkTokens = LossChunkTokens,
        AttentionBlock = AttentionBlock,
        Seed = training.Seed,
    };

    public static QuantizationSpec Quantization(QuantizationSettings settings) => new()
    {
        Type = settings.Type,
        BlockSize = (uint)settings.BlockSize,
        DoubleQuant = settings.DoubleQuant,
    };

    private static OptimizerSpec Optimizer(TrainingSpec training) => new()
    {
        Kind = training.Optimizer,
        Beta1 = training.AdamBeta1,
        Beta2 = training.AdamBeta2,
        Epsilon = training.AdamEpsilon,
        WeightDecay = training.WeightDecay,
        Momentum = training.Momentum,
        MaxGradNorm = training.MaxGradNorm,
    };
}
