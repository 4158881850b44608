using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>What a worker holds of a job whatever its generation: the stage, its adapter and optimizer, the token shards, the counters.</summary>
/// <remarks>Owns all of it. Compute thread only, but for the counters' reading.</remarks>
internal sealed class StageAssets : IDisposable
{
    public required StageSpec Spec { get; init; }

    public required torch.Device Device { get; init; }

    public required StageModel Model { get; init; }

    public required AdapterState Adapter { get; init; }

    public required SplitReader? Train { get; init; }

    public SplitReader? Evaluation { get; init; }

    /// <summary>The newest step that was acted on: its result is what the adapter holds.</summary>
    public ulong ActedStep { get; set; }

    /// <summary>Counters since the job's start on this incarnation.</summary>
    public WorkerTotals Totals { get; } = new();

    public bool IsFirstStage => Spec.Place.Stage == 0;

    public bool IsLastStage => Spec.Place.Stage + 1 == Spec.NumStages;

    public void Dispose()
    {
        Model.Dispose();
        Adapter.Dispose();
        Train?.Dispose();
        Evaluation?.Dispose();
    }
}
