using System.Collections.Immutable;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Who gives which layers' states to whom before a generation's first step.</summary>
/// <param name="Transfers">Ranges of layers; a rank may take its own mirror or file.</param>
/// <param name="Givers">Workers without a place that give, in the order of their ranks behind the layout's last.</param>
/// <param name="FromCheckpoint">Ranks that take a state from the checkpoint of the agreed step, or the initial one.</param>
/// <remarks>Pure.</remarks>
internal sealed record TransferPlan(ImmutableArray<StateTransfer> Transfers, ValueList<WorkerKey> Givers, ImmutableHashSet<int> FromCheckpoint)
{
    private static readonly StateHolding[] Holdings = [StateHolding.Own, StateHolding.Mirror, StateHolding.File];

    /// <param name="step">The agreed step.</param>
    /// <param name="layers">The adapted layers in ascending order.</param>
    /// <param name="ranks">The new places.</param>
    /// <param name="holders">The workers that have joined, those with a place and those without.</param>
    public static TransferPlan Of(ulong step, IReadOnlyList<int> layers, IReadOnlyList<RankPlacement> ranks, IReadOnlyList<StateHolder> holders)
    {
        var givers = new List<WorkerKey>();
        var transfers = ImmutableArray.CreateBuilder<StateTransfer>();
        var fromCheckpoint = ImmutableHashSet.CreateBuilder<int>();
        foreach (var rank in ranks)
        {
            StateTransfer? newest = null;
            foreach (var layer in layers.Where(layer => layer >= rank.FirstLayer && layer <= rank.LastLayer))
            {
                if (SourceOf(step, layer, rank, ranks, holders) is not { } source)
                {
                    fromCheckpoint.Add(rank.Rank);
                    newest = null;
                }
                else if (source.Holding == StateHolding.Own && source.Giver == rank.Worker)
                {
                    newest = null;
                }
                else
                {
                    Add(transfers, ref newest, layer, RankOf(source.Giver, ranks, givers), rank.Rank, source.Holding);
                }
            }
        }

        return new(transfers.ToImmutable(), [.. givers], fromCheckpoint.ToImmutable());
    }

    // A worker's own copy costs nothing; else one with a place, so that the others may go, and its own state rather than another's.
    private static (WorkerKey Giver, StateHolding Holding)? SourceOf(ulong step, int layer, RankPlacement rank, IReadOnlyList<RankPlacement> ranks, IReadOnlyList<StateHolder> holders)
    {
        var candidates =
            from holder in holders
            from holding in Holdings
            where holder.Holds(step, layer, holding)
            orderby holder.Worker != rank.Worker, ranks.All(other => other.Worker != holder.Worker), holding
            select ((WorkerKey, StateHolding)?)(holder.Worker, holding);
        return candidates.FirstOrDefault();
    }

    private static uint RankOf(WorkerKey giver, IReadOnlyList<RankPlacement> ranks, List<WorkerKey> givers)
    {
        if (ranks.FirstOrDefault(rank => rank.Worker == giver) is { } placed)
        {
            return (uint)placed.Rank;
        }

        if (!givers.Contains(giver))
        {
            givers.Add(giver);
        }

        return (uint)(ranks.Count + givers.IndexOf(giver));
    }

    private static void Add(ImmutableArray<StateTransfer>.Builder transfers, ref StateTransfer? newest, int layer, uint from, int to, StateHolding holding)
    {
        if (newest is not null && newest.FromRank == from && newest.Holding == holding && newest.LastLayer + 1 == layer)
        {
            newest.LastLayer = (uint)layer;
            return;
        }

        newest = new StateTransfer { FirstLayer = (uint)layer, LastLayer = (uint)layer, FromRank = from, ToRank = (uint)to, Holding = holding };
        transfers.Add(newest);
    }
}
