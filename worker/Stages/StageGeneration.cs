using System.Collections.Immutable;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Stages;

/// <summary>This worker's place in a generation and its ways to the others.</summary>
/// <param name="Scope">Job, generation and fence.</param>
/// <param name="Self">This worker.</param>
/// <param name="Place">Its replica and stage.</param>
/// <param name="NumReplicas">Replicas of the layout.</param>
/// <param name="NumStages">Stages of the layout.</param>
/// <param name="WorkerIds">Name of the worker at each rank, for messages.</param>
/// <param name="Link">The way out.</param>
/// <param name="Tensors">Tensors that came.</param>
/// <param name="Agreements">Votes and verdicts that came.</param>
internal sealed record StageGeneration(
    JobScope Scope,
    WorkerIdentity Self,
    Place Place,
    int NumReplicas,
    int NumStages,
    ImmutableArray<string> WorkerIds,
    IPeerLink Link,
    TensorInbox Tensors,
    AgreementInbox Agreements)
{
    public uint Rank => RankOf(Place.Replica, Place.Stage);

    public int NumRanks => NumReplicas * NumStages;

    public uint RankBefore => Rank - 1;

    public uint RankAfter => Rank + 1;

    public uint RankOf(uint replica, uint stage) => (replica * (uint)NumStages) + stage;

    public TensorKey Key(ulong step, uint sender, TensorKind kind, int index) => new(Scope.Job, Scope.Generation, step, sender, kind, (uint)index);
}
