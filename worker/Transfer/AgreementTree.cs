namespace Orchestrator.Worker.Transfer;

/// <summary>Who tells whom when a step is agreed on: a binary tree over ranks, the parent of i is (i - 1) / 2.</summary>
/// <remarks>Votes travel up, the verdict travels down. Pure.</remarks>
internal static class AgreementTree
{
    public static uint ParentOf(uint rank) => rank == 0
        ? throw new ArgumentOutOfRangeException(nameof(rank), "the root has no parent")
        : (rank - 1) / 2;

    public static IEnumerable<uint> ChildrenOf(uint rank, int numRanks)
    {
        for (var child = (2L * rank) + 1; child <= (2L * rank) + 2 && child < numRanks; child++)
            yield return (uint)child;
    }

    /// <summary>Whether <paramref name="parent"/> takes the votes of <paramref name="rank"/> and tells it the verdict.</summary>
    public static bool IsParent(uint parent, uint rank) => rank != 0 && ParentOf(rank) == parent;
}
