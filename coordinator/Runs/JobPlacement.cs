using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Who does what in a generation.</summary>
internal sealed record JobPlacement(
    ulong Generation, NumericClass Class, DType ComputeDtype, int NumReplicas, int NumStages, ValueList<RankPlacement> Ranks)
{
    /// <summary>The place of a worker; null: it has none.</summary>
    public RankPlacement? Of(WorkerKey worker) => Ranks.FirstOrDefault(rank => rank.Worker == worker);
}
