using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>How a data set is scored: neighbouring samples share a micro-batch where packing is on, so results come in the file's order.</summary>
/// <remarks>Pure.</remarks>
internal sealed record ScorePlan(IReadOnlyList<MicroBatch> MicroBatches, int MaxTokens)
{
    private const int BudgetTokens = 2_048;

    public static ScorePlan Create(IReadOnlyList<int> lengths, bool packing)
    {
        List<MicroBatch> batches = [];
        var (tokens, most) = (0, 0);
        for (var sample = 0; sample < lengths.Count; sample++)
        {
            if (batches.Count == 0 || !packing || tokens + lengths[sample] > BudgetTokens)
            {
                batches.Add(new MicroBatch { Packed = packing });
                tokens = 0;
            }

            batches[^1].Samples.Add((uint)sample);
            tokens += lengths[sample];
            most = Math.Max(most, tokens);
        }

        return new ScorePlan(batches, most);
    }

    /// <summary>What the worker is told to load: the whole model as one stage, without gradients.</summary>
    public LoadStage Load(ScoreInput input, PreparedSplit split, JobScope scope, DType computeDtype)
    {
        var quantization = input.Job.Quantization;
        var stage = new StageSpec
        {
            Model = input.Model.Spec,
            Place = new Place(),
            NumReplicas = 1,
            NumStages = 1,
            FirstLayer = 0,
            LastLayer = input.Model.Spec.NumLayers - 1,
            Embedding = true,
            Head = true,
            Quantization = StageSpecs.Quantization(quantization),
            Optimizer = new OptimizerSpec(),
            Constants = StageSpecs.Constants(computeDtype, input.Job.Training),
            MaxMicroBatchTokens = (uint)MaxTokens,
            Training = false,
        };
        stage.Base.Add(input.Model.AllSlices(quantization.Type != QuantizationType.None, [.. quantization.SkipModules]));
        stage.Adapter.Add(input.Modules);
        return new LoadStage { Scope = scope, Stage = stage, Shards = { split.Shard } };
    }
}
