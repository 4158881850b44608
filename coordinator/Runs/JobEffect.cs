using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What happens after a decision's events are in the journal.</summary>
internal abstract record JobEffect
{
    private JobEffect()
    {
    }

    /// <summary>Read model and data, then tell <see cref="JobInput.Prepared"/>.</summary>
    internal sealed record Prepare : JobEffect;

    /// <summary>Hear of the fleet.</summary>
    internal sealed record SubscribeToFleet : JobEffect;

    internal sealed record Send(ToWorker Message) : JobEffect;

    /// <summary>Tell this to the entity after a while.</summary>
    internal sealed record Later(TimeSpan Delay, object Input) : JobEffect;

    /// <summary>Put plan.json into the run's folder.</summary>
    internal sealed record PublishPlan(string Json) : JobEffect;

    /// <summary>Make a checkpoint of blobs that workers wrote, then tell <see cref="JobInput.CheckpointMade"/>.</summary>
    internal sealed record WriteCheckpoint(CheckpointManifest Manifest) : JobEffect;

    /// <summary>Delete the checkpoints that this step's, which is durable and journaled, makes superfluous.</summary>
    internal sealed record DeleteOlderCheckpoints(ulong Newest) : JobEffect;

    /// <summary>Write the adapter of the checkpoint in this folder, then tell <see cref="JobInput.AdapterExported"/>.</summary>
    internal sealed record Export(string Checkpoint) : JobEffect;

    /// <summary>The job has ended: forget the fleet, stop.</summary>
    internal sealed record End : JobEffect;
}
