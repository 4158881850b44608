using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job's entity tells itself; fleet and worker messages come as those of Membership, users' as those of protocol.proto.</summary>
internal static class JobInput
{
    /// <summary>A request that was checked: its document has no error and its output folder may be used.</summary>
    internal sealed record Submitted(SubmitJobRequest Request, JobSpec Spec, string ResolvedYaml);

    /// <summary>The journal was replayed.</summary>
    internal sealed record Recovered;

    internal sealed record PreparationProgressed(string Text);

    internal sealed record Prepared(JobMaterial Material);

    /// <summary>The model or the data cannot be used; invalid: because the request was wrong, and not this machine.</summary>
    internal sealed record PreparationFailed(string Reason, bool Invalid);

    internal sealed record AdapterExported(string Folder);

    /// <summary>A worker could not reach another one, and no worker was lost since: the failure stands.</summary>
    internal sealed record PeerFailureStands(string Reason, string Worker);

    /// <summary>The run's folder cannot be written.</summary>
    internal sealed record PublicationFailed(string Reason);
}

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

    /// <summary>Write the adapter of these saved states, then tell <see cref="JobInput.AdapterExported"/>.</summary>
    internal sealed record Export(ValueList<StateSaved> Saved) : JobEffect;

    /// <summary>The job has ended: forget the fleet, delete what workers saved, stop.</summary>
    internal sealed record End : JobEffect;
}

/// <summary>What a message leads to.</summary>
/// <param name="Record">The record after the events.</param>
/// <param name="Session">The session after the message.</param>
/// <param name="Events">To be persisted first, in one write.</param>
/// <param name="Effects">To be done once the events are persisted, in order.</param>
/// <param name="Note">A line for the run's log; null: nothing to say.</param>
internal sealed record JobDecision(
    JobRecord Record, JobSession Session, IReadOnlyList<IJobEvent> Events, IReadOnlyList<JobEffect> Effects, string? Note);
