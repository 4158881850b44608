using FsCheck.Xunit;
using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

public sealed class VoteTreeTests
{
    private static readonly JobScope Scope = new() { Job = "j", Generation = 1, Fence = 1 };

    [Property]
    public void Children_OfEveryRank_ReachEveryOtherRankOnce(byte ranks)
    {
        var numRanks = 1 + (ranks % 40);
        var reached = Enumerable.Range(0, numRanks).SelectMany(rank => VoteTree.ChildrenOf((uint)rank, numRanks)).Order().ToArray();
        Assert.Equal(Enumerable.Range(1, numRanks - 1).Select(rank => (uint)rank), reached);
        foreach (var rank in reached)
            Assert.Contains(rank, VoteTree.ChildrenOf(VoteTree.ParentOf(rank), numRanks));
    }

    [Fact]
    public void Decide_SumsInAnyOrder_AddsThemInChunkOrder()
    {
        double[] sums = [1e16, 1, 1, 1, -0.0, 3e-8];
        double expected = 0;
        foreach (var sum in sums)
            expected += sum;
        var vote = Vote(0, true, [5, 0, 3, 1, 4, 2], sums);
        Assert.Equal((float)Math.Sqrt(expected), VoteTree.Decide(vote).GradNorm);
        Assert.True(VoteTree.Decide(vote).Apply);
    }

    [Fact]
    public void Decide_OneWorkerNotFinite_Skips()
    {
        var all = VoteTree.Merge(Vote(0, true, [0], [1]), [Vote(1, false, [1], [1, 1])]);
        Assert.False(VoteTree.Decide(all).Apply);
    }

    [Fact]
    public void Decide_NormOverflows_Skips() => Assert.False(VoteTree.Decide(Vote(0, true, [0], [double.PositiveInfinity])).Apply);

    [Theory]
    [InlineData(new uint[] { 0, 2 })]
    [InlineData(new uint[] { 0, 0 })]
    public void Decide_ChunkMissingOrTwice_Refuses(uint[] chunks) =>
        Assert.Throws<InvalidOperationException>(() => VoteTree.Decide(Vote(0, true, chunks, [0, 1, 2])));

    [Fact]
    public void Merge_VoteOfAnotherStep_Refuses()
    {
        var other = Vote(1, true, [], []);
        other.Step = 8;
        Assert.Throws<InvalidOperationException>(() => VoteTree.Merge(Vote(0, true, [], []), [other]));
    }

    private static StepVote Vote(uint rank, bool finite, uint[] chunks, double[] sums)
    {
        var vote = new StepVote { Scope = Scope, Step = 7, Rank = rank, AllFinite = finite };
        foreach (var chunk in chunks)
            vote.ChunkSums.Add(new ChunkSum { Chunk = chunk, SumOfSquares = sums[chunk] });
        return vote;
    }
}
