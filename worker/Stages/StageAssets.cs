using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>What a worker holds of a job whatever its generation: the stage, its adapter and optimizer, the token shards.</summary>
/// <remarks>Owns all of it but the counters. Compute thread only.</remarks>
internal sealed class StageAssets : IDisposable
{
    private MicroBatchLanes? _lanes;

    /// <summary>What the stage is; of another generation only the place in the layout and the layout's size differ.</summary>
    public required StageSpec Spec { get; set; }

    public required torch.Device Device { get; init; }

    public required StageModel Model { get; init; }

    public required AdapterState Adapter { get; init; }

    public required SplitReader? Train { get; init; }

    public SplitReader? Evaluation { get; init; }

    /// <summary>The newest step that was acted on: its result is what the adapter holds.</summary>
    public ulong ActedStep { get; set; }

    /// <summary>Counters since the job's start on this incarnation: they outlive the stage.</summary>
    public JobCounters Counters { get; init; } = new();

    public bool IsFirstStage => Spec.Place.Stage == 0;

    public bool IsLastStage => Spec.Place.Stage + 1 == Spec.NumStages;

    /// <summary>As many as make use of all threads.</summary>
    public MicroBatchLanes Lanes => _lanes ??= new MicroBatchLanes(Model.MicroBatchesAtOnce);

    public void Dispose()
    {
        _lanes?.Dispose();
        Model.Dispose();
        Adapter.Dispose();
        Train?.Dispose();
        Evaluation?.Dispose();
    }
}
