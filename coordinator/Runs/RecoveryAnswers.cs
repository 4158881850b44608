using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job has heard while its next generation is being made.</summary>
/// <param name="Asked">Everybody who may be in it; null: no answer yet.</param>
/// <param name="Awaited">Members that a coordinator which was started again has not seen yet.</param>
/// <param name="IsWaiting">Whether another worker is waited for.</param>
/// <param name="PatienceOver">Whether it was waited for long enough.</param>
internal sealed record RecoveryAnswers(
    ImmutableDictionary<WorkerKey, GenerationJoined?> Asked, ImmutableHashSet<WorkerKey> Awaited, bool IsWaiting, bool PatienceOver)
{
    public static readonly RecoveryAnswers None = new(ImmutableDictionary<WorkerKey, GenerationJoined?>.Empty, [], false, false);

    public bool IsWhole => Awaited.Count == 0 && Asked.Values.All(answer => answer is not null);
}
