using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job has heard while its next generation is being made.</summary>
/// <param name="Asked">Everybody who may be in it; null: no answer yet.</param>
/// <param name="Awaited">Members that a coordinator which was started again has not seen yet.</param>
/// <param name="WaitsSince">Since when another worker is waited for; null: none is yet.</param>
internal sealed record RecoveryAnswers(ImmutableDictionary<WorkerKey, GenerationJoined?> Asked, ImmutableHashSet<WorkerKey> Awaited, DateTimeOffset? WaitsSince)
{
    public static readonly RecoveryAnswers None = new(ImmutableDictionary<WorkerKey, GenerationJoined?>.Empty, [], null);

    /// <summary>Whether another worker was waited for so long.</summary>
    public bool HasWaited(TimeSpan patience, DateTimeOffset now) => WaitsSince is { } since && now - since >= patience;

    public bool IsWhole => Awaited.Count == 0 && Asked.Values.All(answer => answer is not null);
}
