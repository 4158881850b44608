using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class MirrorLedgerTests
{
    private readonly List<string> _dropped = [];
    private readonly MirrorLedger<string> _ledger;

    public MirrorLedgerTests() => _ledger = new MirrorLedger<string>(_dropped.Add);

    /// <summary>Whole is what has its seal and every layer that the seal counts, in whatever order they came.</summary>
    [Theory]
    [InlineData("4 5 seal")]
    [InlineData("seal 5 4")]
    [InlineData("4 seal 5")]
    public void Whole_InAnyOrder_IsWhatNothingIsMissingOf(string order)
    {
        foreach (var part in order.Split(' '))
        {
            Assert.Empty(_ledger.Whole);
            if (part == "seal")
                Seal(1, 7);
            else
                Assert.True(_ledger.Add(1, 7, uint.Parse(part), part));
        }

        Assert.Equal(7UL, Assert.Single(_ledger.Whole).Step);
        Assert.False(_ledger.Add(1, 7, 4, "again"));
        Assert.True(_ledger.Knows(1, 7, 4));
        Assert.False(_ledger.Knows(2, 7, 4));
    }

    [Fact]
    public void Whole_AfterMoreThanTwo_IsTheLastTwo()
    {
        foreach (var step in (ulong[])[7, 8, 9])
            Come(1, step);
        Assert.Equal([8UL, 9UL], _ledger.Whole.Select(state => state.Step));
        Assert.Equal(["1/7/4", "1/7/5"], _dropped);
    }

    /// <summary>While the third one comes, both of the last two are there.</summary>
    [Fact]
    public void Whole_WhileAnotherComes_IsStillTwo()
    {
        Come(1, 7);
        Come(1, 8);
        _ledger.Add(1, 9, 4, "1/9/4");
        Seal(1, 9);
        Assert.Equal([7UL, 8UL], _ledger.Whole.Select(state => state.Step));
        Assert.Empty(_dropped);
    }

    /// <summary>What a sender left half is given up when it sends the next one: there is never more than one of these.</summary>
    [Fact]
    public void Add_OfANewerStep_GivesUpWhatWasNotWhole()
    {
        _ledger.Add(1, 7, 4, "half");
        _ledger.Add(1, 8, 4, "next");
        Assert.Equal(["half"], _dropped);
        Assert.False(_ledger.Add(1, 7, 5, "late"));
    }

    [Fact]
    public void EndOlder_OfAGeneration_LeavesItsOwnAlone()
    {
        Come(1, 7);
        Come(1, 8);
        Come(2, 7);
        Assert.Equal(3, _ledger.Whole.Count());
        _ledger.EndOlder(2);
        Assert.Equal([(2UL, 7UL)], _ledger.Whole.Select(state => (state.Generation, state.Step)));
        _ledger.Clear();
        Assert.Equal(6, _dropped.Count);
    }

    private void Come(ulong generation, ulong step)
    {
        _ledger.Add(generation, step, 4, $"{generation}/{step}/4");
        _ledger.Add(generation, step, 5, $"{generation}/{step}/5");
        Seal(generation, step);
    }

    private void Seal(ulong generation, ulong step) => _ledger.Seal(generation, step, new MirrorSeal(4, 6, 2, 0, 0));
}
