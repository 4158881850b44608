using FsCheck.Xunit;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class AgreementTreeTests
{
    [Property]
    public void Children_OfEveryRank_ReachEveryOtherRankOnce(byte ranks)
    {
        var numRanks = 1 + (ranks % 40);
        var reached = Enumerable.Range(0, numRanks).SelectMany(rank => AgreementTree.ChildrenOf((uint)rank, numRanks)).Order().ToArray();
        Assert.Equal(Enumerable.Range(1, numRanks - 1).Select(rank => (uint)rank), reached);
        foreach (var rank in reached)
            Assert.Contains(rank, AgreementTree.ChildrenOf(AgreementTree.ParentOf(rank), numRanks));
    }

    [Fact]
    public void IsParent_OfEveryPair_IsTrueForChildrenOnly()
    {
        const int NumRanks = 9;
        for (uint parent = 0; parent < NumRanks; parent++)
        {
            var children = AgreementTree.ChildrenOf(parent, NumRanks);
            Assert.Equal(children, Enumerable.Range(0, NumRanks).Select(rank => (uint)rank).Where(rank => AgreementTree.IsParent(parent, rank)));
        }
    }
}
