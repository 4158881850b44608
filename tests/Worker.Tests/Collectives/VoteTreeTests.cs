using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

public sealed class VoteTreeTests
{
    private static readonly JobScope Scope = new() { Job = "j", Generation = 1, Fence = 1 };

    [Fact]
    public void Decide_SumsInAnyOrder_AddsThemInChunkOrder()
    {
        double[] sums = [1e16, 1, 1, 1, -0.0, 3e-8];
        double expected = 0;
        foreach (var sum in sums)
            expected += sum;
        var vote = Vote(0, true, [5, 0, 3, 1, 4, 2], sums);
        Assert.Equal((float)Math.Sqrt(expected), VoteTree.Decide(vote, 6, 0).GradNorm);
        Assert.True(VoteTree.Decide(vote, 6, 0).Apply);
    }

    [Fact]
    public void Decide_NormThatFp32DoesNotHold_IsRoundedToIt() => Assert.Equal((float)Math.Sqrt(2), VoteTree.Decide(Vote(0, true, [0], [2]), 1, 0).GradNorm);

    [Fact]
    public void Decide_OneWorkerNotFinite_Skips()
    {
        var all = VoteTree.Merge(Vote(0, true, [0], [1]), [Vote(1, false, [1], [1, 1])]);
        Assert.False(VoteTree.Decide(all, 2, 0).Apply);
    }

    [Fact]
    public void Decide_NormOverflows_Skips() => Assert.False(VoteTree.Decide(Vote(0, true, [0], [double.PositiveInfinity]), 1, 0).Apply);

    [Theory]
    [InlineData(new uint[] { 0, 2 })]
    [InlineData(new uint[] { 0, 1 })]
    [InlineData(new uint[] { 0, 0, 1 })]
    [InlineData(new uint[] { 1, 2, 3 })]
    [InlineData(new uint[] { 0, 1, 2, 2 })]
    [InlineData(new uint[] { 0, 1, 2, 3 })]
    [InlineData(new uint[] { })]
    public void Decide_NotEveryChunkOfTheJobOnce_Refuses(uint[] chunks) =>
        Assert.Throws<InvalidOperationException>(() => VoteTree.Decide(Vote(0, true, chunks, [0, 1, 2, 3]), 3, 0));

    /// <summary>The verdict accounts for the whole step: every micro-batch once, in order, whoever ran it.</summary>
    [Fact]
    public void Decide_LossesOfManyWorkers_HoldsThemByMicroBatch()
    {
        var verdict = VoteTree.Decide(VoteTree.Merge(Losses(0, 2), [Losses(1, 3, 0), Losses(2, 1)]), 0, 4);
        Assert.Equal([0U, 1U, 2U, 3U], verdict.Losses.Select(loss => loss.MicroBatch));
    }

    [Theory]
    [InlineData(new uint[] { 0, 1 })]
    [InlineData(new uint[] { 0, 1, 3 })]
    [InlineData(new uint[] { 0, 1, 1 })]
    [InlineData(new uint[] { 0, 1, 2, 2 })]
    public void Decide_NotEveryMicroBatchOnce_Refuses(uint[] microBatches) =>
        Assert.Throws<InvalidOperationException>(() => VoteTree.Decide(Losses(0, microBatches), 0, 3));

    [Fact]
    public void DecideEvaluation_LossesOfManyWorkers_HoldsThemBySample()
    {
        var verdict = VoteTree.DecideEvaluation(VoteTree.Merge(Samples(0, 7, 2), [Samples(1, 5)]), 3);
        Assert.True(verdict.Evaluation);
        Assert.Equal([2U, 5U, 7U], verdict.SampleLosses.Select(loss => loss.Sample));
        Assert.Throws<InvalidOperationException>(() => VoteTree.DecideEvaluation(Samples(0, 7, 2), 3));
        Assert.Throws<InvalidOperationException>(() => VoteTree.DecideEvaluation(Samples(0, 7, 2, 7), 3));
        Assert.Throws<InvalidOperationException>(() => VoteTree.Merge(Samples(0, 7), [Losses(1, 0)]));
    }

    [Fact]
    public void Total_UnsortedArrival_IsThatOfChunkOrder()
    {
        var unsorted = Enumerable.Range(0, LargeFirst.Length).Select(chunk => (uint)chunk).ToArray();
        new Random(1).Shuffle(unsorted);
        double ascending = 0;
        foreach (var sum in LargeFirst)
            ascending += sum;
        Assert.Equal(ascending, VoteTree.Total(Vote(0, true, unsorted, LargeFirst), (uint)LargeFirst.Length));
    }

    // The test of the test: on these values the order of additions is seen.
    [Fact]
    public void Total_DescendingAddition_IsAnotherNumber()
    {
        double descending = 0;
        foreach (var sum in LargeFirst.Reverse())
            descending += sum;
        Assert.NotEqual(descending, VoteTree.Total(Of([LargeFirst]), (uint)LargeFirst.Length));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Total_ChunksOfManyWorkers_IsThatOfOneWorker(int workers)
    {
        double[][] parts = [.. LargeFirst.Chunk((LargeFirst.Length / workers) + 1)];
        Assert.Equal(VoteTree.Total(Of([LargeFirst]), (uint)LargeFirst.Length), VoteTree.Total(Of(parts), (uint)LargeFirst.Length));
    }

    // The test of the test: one sum a worker in place of one a chunk would depend on the layout.
    [Fact]
    public void Total_OneSumAWorker_DependsOnTheWorkers()
    {
        double[][] parts = [.. LargeFirst.Chunk((LargeFirst.Length / 3) + 1)];
        double[] merged = [.. parts.Select(part => VoteTree.Total(Of([part]), (uint)part.Length))];
        Assert.NotEqual(VoteTree.Total(Of([LargeFirst]), (uint)LargeFirst.Length), VoteTree.Total(Of([merged]), (uint)merged.Length));
    }

    [Theory]
    [InlineData("j", 1, 8)]
    [InlineData("j", 2, 7)]
    [InlineData("k", 1, 7)]
    public void Merge_VoteOfAnotherStepGenerationOrJob_Refuses(string job, ulong generation, ulong step)
    {
        var other = Vote(1, true, [], []);
        (other.Scope, other.Step) = (new JobScope { Job = job, Generation = generation, Fence = 1 }, step);
        Assert.Throws<InvalidOperationException>(() => VoteTree.Merge(Vote(0, true, [], []), [other]));
    }

    // Thousands of ones are lost one by one beside 2^53, and are not when they are added first.
    private static double[] LargeFirst { get; } = [9_007_199_254_740_992, .. Enumerable.Repeat(1.0, 4_000)];

    // The merged votes of workers, each with its own chunks; the last worker's come first.
    private static StepVote Of(double[][] parts)
    {
        var votes = new List<StepVote>();
        uint chunk = 0;
        foreach (var part in parts)
        {
            var vote = new StepVote { Scope = Scope, Step = 7, Rank = (uint)votes.Count, AllFinite = true };
            vote.ChunkSums.AddRange(part.Select(sum => new ChunkSum { Chunk = chunk++, SumOfSquares = sum }));
            votes.Add(vote);
        }

        return VoteTree.Merge(votes[^1], votes.SkipLast(1));
    }

    private static StepVote Losses(uint rank, params uint[] microBatches)
    {
        var vote = Vote(rank, true, [], []);
        vote.Losses.AddRange(microBatches.Select(microBatch => new MicroBatchLoss { MicroBatch = microBatch }));
        return vote;
    }

    private static StepVote Samples(uint rank, params uint[] samples)
    {
        var vote = Vote(rank, true, [], []);
        vote.Evaluation = true;
        vote.SampleLosses.AddRange(samples.Select(sample => new SampleLoss { Sample = sample }));
        return vote;
    }

    private static StepVote Vote(uint rank, bool finite, uint[] chunks, double[] sums)
    {
        var vote = new StepVote { Scope = Scope, Step = 7, Rank = rank, AllFinite = finite };
        foreach (var chunk in chunks)
            vote.ChunkSums.Add(new ChunkSum { Chunk = chunk, SumOfSquares = sums[chunk] });
        return vote;
    }
}
