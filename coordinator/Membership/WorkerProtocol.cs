using System.Collections.Immutable;
using Akka.Actor;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>To <see cref="WorkerDirectory"/>: tell this actor of the fleet and of the messages of one job.</summary>
/// <remarks>
/// Answered by a <see cref="FleetSnapshot"/> now and at each change, a <see cref="WorkerLost"/> for each loss, and a
/// <see cref="FromWorker"/> for every message whose scope names the job. Subscribing again replaces the job's subscriber, unless that one has a
/// higher fence; it is also forgotten when it stops. Messages of one worker come in the order in which it sent them.
/// </remarks>
internal sealed record Subscribe(string Job, IActorRef Subscriber, ulong Fence = 0);

/// <summary>To <see cref="WorkerDirectory"/>: the job needs nothing any more.</summary>
internal sealed record Unsubscribe(string Job);

/// <summary>A worker is gone: its lease ran out, its stream stayed closed, a higher incarnation took its name, or it left.</summary>
/// <remarks>Sent once for each key, before the snapshot that no longer holds it. <paramref name="Reason"/> completes "worker-2 was lost: ...".</remarks>
/// <param name="Key">The life that is over.</param>
/// <param name="Reason">Why.</param>
/// <param name="Left">It said so itself and ends in its own time.</param>
internal sealed record WorkerLost(WorkerKey Key, string Reason, bool Left = false)
{
    /// <summary>For how long it had stood still by then, as far as that is known.</summary>
    public TimeSpan Silence { get; init; }

    /// <summary>"was lost" or "left", for a sentence.</summary>
    public string Verb => Left ? "left" : "was lost";
}

/// <summary>A message of a job from a worker.</summary>
internal sealed record FromWorker(WorkerKey Key, WorkerMessage Message);

/// <summary>To <see cref="WorkerDirectory"/>: send this to a worker.</summary>
/// <remarks>
/// Delivered at most once and in order while that incarnation is attached; what is sent to a key that is no longer attached is dropped,
/// for its <see cref="WorkerLost"/> has been or will be sent. While a stream is broken and may come back, messages wait in its <see cref="SentMessages"/>.
/// </remarks>
internal sealed record ToWorker(WorkerKey Key, CoordinatorMessage Message);

/// <summary>To <see cref="WorkerDirectory"/> and from it to every subscriber, then and later: no worker can be had any more, so jobs that need one fail with this sentence.</summary>
/// <remarks>Said by the owner of an embedded fleet, whose workers die before they attach.</remarks>
internal sealed record FleetUnavailable(string Reason);

/// <summary>To <see cref="WorkerDirectory"/> and from it to every subscriber, then and later: there will never be more workers than this.</summary>
/// <remarks>Said by the owner of an embedded fleet. A job that waits although all of them are attached would wait for ever, so it fails.</remarks>
internal sealed record FleetLimit(int MaxWorkers);

/// <summary>To <see cref="WorkerDirectory"/>: a worker's process has ended, so nobody need wait for its connection to come back.</summary>
/// <remarks>Said by the owner of an embedded fleet, who sees it.</remarks>
internal sealed record WorkerProcessEnded(WorkerKey Key, string Reason);

/// <summary>To <see cref="WorkerDirectory"/>: what the workers are doing now, answered by <see cref="WorkerActivities"/>.</summary>
internal sealed record GetActivities;

/// <summary>The newest heartbeat of each attached worker, by name.</summary>
internal sealed record WorkerActivities(ImmutableDictionary<string, WorkerActivity> ByWorker);

/// <summary>What a worker does, in its own words.</summary>
/// <param name="Text">For a person.</param>
/// <param name="Waits">For another worker or the coordinator.</param>
internal sealed record WorkerActivity(string Text, bool Waits);
