using Orchestrator.Protos;

namespace Orchestrator.Worker.Collectives;

/// <summary>The replicas of one stage that add their gradients together, seen from one of them.</summary>
/// <param name="Scope">Job and generation.</param>
/// <param name="Replica">This worker's replica.</param>
/// <param name="Stage">The stage that all of them hold.</param>
/// <param name="NumStages">Stages of the layout: rank = replica * stages + stage.</param>
/// <param name="Owners">Who finishes which chunks.</param>
/// <param name="Sums">What partial sums are held and sent in: F32 or F64. Finished chunks are F32.</param>
internal sealed record ReductionGroup(JobScope Scope, int Replica, int Stage, int NumStages, ChunkOwners Owners, DType Sums)
{
    public int NumReplicas => Owners.NumReplicas;

    public uint RankOf(int replica) => (uint)((replica * NumStages) + Stage);
}
