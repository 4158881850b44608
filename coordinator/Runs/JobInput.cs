using Orchestrator.Coordinator.Checkpoints;
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

    /// <param name="Material">What was read.</param>
    /// <param name="Resume">Where the run in the output folder goes on; null: a new one begins.</param>
    internal sealed record Prepared(JobMaterial Material, ResumePoint? Resume = null);

    /// <summary>The model or the data cannot be used.</summary>
    /// <param name="Reason">Why, in one sentence.</param>
    /// <param name="Invalid">Because the request was wrong, and not this machine.</param>
    /// <param name="Fault">The error of the program, if it was one: for the log.</param>
    internal sealed record PreparationFailed(string Reason, bool Invalid, Exception? Fault = null);

    /// <summary>A checkpoint's manifest is durable.</summary>
    internal sealed record CheckpointMade(CheckpointManifest Manifest);

    internal sealed record AdapterExported(string Folder);

    /// <summary>A worker could not reach another one, and no worker was lost since.</summary>
    /// <param name="Generation">The generation that it happened in.</param>
    /// <param name="Reason">What happened, in one sentence.</param>
    /// <param name="Accused">Who could not be reached; null: that is not known.</param>
    internal sealed record PeerFailureStands(ulong Generation, string Reason, WorkerKey? Accused);

    /// <summary>Members that a coordinator which was started again has not seen were waited for long enough.</summary>
    internal sealed record ReattachOver;

    /// <summary>Another worker, without which there are fewer stages, was waited for long enough.</summary>
    internal sealed record LifePatienceOver(ulong Generation);

    /// <summary>Whoever is to take the place of a drained worker has had long enough to load.</summary>
    internal sealed record DrainPatienceOver(WorkerKey Leaving);

    /// <summary>The run's folder cannot be written.</summary>
    /// <param name="Reason">Why, in one sentence.</param>
    /// <param name="Fault">The error of the program, if it was one: for the log.</param>
    internal sealed record PublicationFailed(string Reason, Exception? Fault = null);
}
