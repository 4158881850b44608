using FsCheck.Xunit;
using Orchestrator.Worker.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

public sealed class SlotRuleTests
{
    [Theory]
    [InlineData(1, 16u, 1)]
    [InlineData(3, 16u, 2)]
    [InlineData(15, 16u, 8)]
    [InlineData(16, 16u, 16)]
    [InlineData(100, 16u, 16)]
    [InlineData(100, 4u, 4)]
    public void Slots_OfAStep_AreTheLargestPowerOfTwo(int microBatches, uint reductionSlots, int slots) =>
        Assert.Equal(slots, SlotRule.For(microBatches, reductionSlots).Slots);

    /// <summary>Slot of micro-batch i = floor(i S / M), in full: another cut is as even, and gives a job other bits on every layout.</summary>
    [Theory]
    [InlineData(16u, 0, 0, 1)]
    [InlineData(16u, 0, 0, 1, 1, 2, 2, 3)]
    [InlineData(16u, 0, 0, 1, 2, 2, 3, 4, 5, 5, 6, 7)]
    [InlineData(2u, 0, 0, 0, 1, 1)]
    public void SlotOf_AMicroBatch_IsTheFloorOfItsShare(uint reductionSlots, params int[] slots)
    {
        var rule = SlotRule.For(slots.Length, reductionSlots);
        Assert.Equal(slots, Enumerable.Range(0, slots.Length).Select(rule.SlotOf));
    }

    [Property]
    public void Slots_AnyStep_HoldEveryMicroBatchOnceInOrder(byte microBatches, byte logSlots)
    {
        var rule = Rule(microBatches, logSlots);
        var slots = Enumerable.Range(0, rule.MicroBatches).Select(rule.SlotOf).ToArray();
        Assert.Equal(slots.Order(), slots);
        Assert.Equal(Enumerable.Range(0, rule.Slots), slots.Distinct());
        Assert.Equal(rule.Slots, Enumerable.Range(0, rule.MicroBatches).Count(rule.EndsSlot));
    }

    [Property]
    public void Replicas_AnyNumber_OwnDisjointContiguousSlots(byte microBatches, byte logSlots, byte replicas)
    {
        var rule = Rule(microBatches, logSlots);
        var numReplicas = 1 + (replicas % 20);
        var dealt = Enumerable.Range(0, numReplicas).SelectMany(replica => rule.MicroBatchesOf(replica, numReplicas));
        Assert.Equal(Enumerable.Range(0, rule.MicroBatches), dealt);
        var covered = Enumerable.Range(0, numReplicas).SelectMany(replica => rule.SubtreesOf(replica, numReplicas));
        Assert.Equal(Enumerable.Range(0, rule.Slots), covered.SelectMany(subtree => Enumerable.Range(subtree.First, subtree.Size)));
    }

    [Property]
    public void Tree_AnyNumberOfReplicas_IsTheSame(byte microBatches, byte logSlots, byte replicas)
    {
        var rule = Rule(microBatches, logSlots);
        Assert.Equal(Tree(rule, 1), Tree(rule, 1 + (replicas % rule.Slots)));
    }

    [Property]
    public void Subtrees_OfAReplica_AreWhatItsStackEndsWith(byte microBatches, byte logSlots, byte replicas)
    {
        var rule = Rule(microBatches, logSlots);
        var numReplicas = 1 + (replicas % rule.Slots);
        for (var replica = 0; replica < numReplicas; replica++)
            Assert.Equal(rule.SubtreesOf(replica, numReplicas), StackOf(rule, replica, numReplicas).Select(entry => entry.Subtree));
    }

    private static SlotRule Rule(byte microBatches, byte logSlots) => SlotRule.For(1 + microBatches, 1u << (logSlots % 6));

    private sealed class Term(string text)
    {
        public string Text { get; set; } = text;
    }

    // Every addition spelled out: what each replica adds by itself, then what the owner adds.
    private static string Tree(SlotRule rule, int numReplicas)
    {
        var owner = new SubtreeStack<Term>(Merge);
        for (var replica = 0; replica < numReplicas; replica++)
        {
            foreach (var (subtree, term) in StackOf(rule, replica, numReplicas))
                owner.Push(subtree, term);
        }

        return owner.TakeAll().Single().Sum.Text;
    }

    private static IReadOnlyList<(Subtree Subtree, Term Sum)> StackOf(SlotRule rule, int replica, int numReplicas)
    {
        var stack = new SubtreeStack<Term>(Merge);
        foreach (var slot in rule.MicroBatchesOf(replica, numReplicas).GroupBy(rule.SlotOf))
            stack.Push(new Subtree(slot.Key, 1), new Term(string.Join(' ', slot)));
        return stack.TakeAll();
    }

    private static void Merge(Term left, Term right) => left.Text = $"({left.Text} + {right.Text})";
}
