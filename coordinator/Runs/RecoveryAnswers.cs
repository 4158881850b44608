using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job has heard while its next generation is being made.</summary>
/// <param name="Asked">Everybody who may be in it; null: no answer yet.</param>
/// <param name="Awaited">Members that a coordinator which was started again has not seen yet.</param>
/// <param name="PatienceStarted">Whether the time for which another worker is waited for has begun.</param>
/// <param name="PatienceOver">Whether it is over.</param>
internal sealed record RecoveryAnswers(
    ImmutableDictionary<WorkerKey, GenerationJoined?> Asked, ImmutableHashSet<WorkerKey> Awaited, bool PatienceStarted, bool PatienceOver)
{
    public static readonly RecoveryAnswers None = new(ImmutableDictionary<WorkerKey, GenerationJoined?>.Empty, [], false, false);

    public bool IsWhole => Awaited.Count == 0 && Asked.Values.All(answer => answer is not null);
}
