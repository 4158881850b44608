using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Agreed step and transfers against a search by brute force, over random holdings.</summary>
public sealed class AgreedStepTests
{
    private const int NumLayers = 6;

    [Fact]
    public void Agreed_OverRandomHoldings_IsTheLargestThatEveryLayerHas()
    {
        var random = new Random(1);
        var (behind, agreedBehind) = (0, 0);
        for (var i = 0; i < 2_000; i++)
        {
            var holders = Holders(random);
            var (checkpoint, limit) = ((ulong)random.Next(3), (ulong)random.Next(3, 8));
            var layers = Enumerable.Range(0, NumLayers).Where(layer => layer == 0 || random.Next(4) > 0).ToList();

            var agreed = AgreedStep.Of(layers, holders, checkpoint, limit);

            var expected = checkpoint;
            for (var step = checkpoint + 1; step <= limit; step++)
            {
                expected = layers.TrueForAll(layer => Has(holders, step, layer)) ? step : expected;
            }

            Assert.Equal(expected, agreed);
            behind += holders.Exists(holder => holder.States.Any(state => state.Step > agreed)) ? 1 : 0;
            agreedBehind += agreed > checkpoint ? 1 : 0;
        }

        Assert.True(behind > 100 && agreedBehind > 100);
    }

    [Fact]
    public void Transfers_OverRandomHoldings_GiveEveryRankEachLayerFromSomebodyWhoHasIt()
    {
        var random = new Random(2);
        var fromOthers = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var holders = Holders(random);
            var layers = Enumerable.Range(0, NumLayers).Where(_ => random.Next(4) > 0).ToList();
            var agreed = AgreedStep.Of(layers, holders, 0, 8);
            var ranks = Ranks(random, holders);

            var plan = TransferPlan.Of(agreed, layers, ranks, holders);

            var members = ranks.Select(rank => rank.Worker).Concat(plan.Givers).ToList();
            Assert.Equal(members.Distinct(), members);
            foreach (var rank in ranks)
            {
                var given = plan.Transfers.Where(transfer => transfer.ToRank == rank.Rank).ToList();
                foreach (var layer in layers.Where(layer => layer >= rank.FirstLayer && layer <= rank.LastLayer))
                {
                    var own = holders.Single(holder => holder.Worker == rank.Worker).Holds(agreed, layer, StateHolding.Own);
                    var sources = given.Where(transfer => transfer.FirstLayer <= layer && layer <= transfer.LastLayer).ToList();
                    Assert.Equal(own ? 0 : Has(holders, agreed, layer) ? 1 : 0, sources.Count);
                    Assert.All(sources, source => Assert.True(holders.Single(holder => holder.Worker == members[(int)source.FromRank]).Holds(agreed, layer, source.Holding)));
                    fromOthers += sources.Count(source => source.FromRank != source.ToRank);
                    // Only the checkpoint is left, and then the agreed step is its step.
                    Assert.True(own || sources.Count == 1 || (plan.FromCheckpoint.Contains(rank.Rank) && agreed == 0));
                }

                Assert.All(given, transfer => Assert.True(transfer.FirstLayer >= rank.FirstLayer && transfer.LastLayer <= rank.LastLayer));
            }

            Assert.All(plan.Givers, giver => Assert.Contains(plan.Transfers, transfer => members[(int)transfer.FromRank] == giver));
        }

        Assert.True(fromOthers > 1_000);
    }

    [Fact]
    public void Sum_OfAnyCut_IsTheSame()
    {
        var whole = FakeWorkers.Hash(0, 5, 9);
        Assert.Equal(whole, StateHashSum.Of([FakeWorkers.Hash(0, 1, 9), FakeWorkers.Hash(2, 2, 9), FakeWorkers.Hash(3, 5, 9)]));
        Assert.NotEqual(whole, StateHashSum.Of([FakeWorkers.Hash(0, 1, 9), FakeWorkers.Hash(3, 5, 9)]));
        Assert.Empty(StateHashSum.Of([FakeWorkers.Hash(0, 1, 9), Google.Protobuf.ByteString.Empty]));
    }

    [Fact]
    public void Sum_OfWhatIsHeld_NeedsRangesThatLieEndToEnd()
    {
        StateHolder[] holders = [Holder(0, (9, 0, 2)), Holder(1, (9, 0, 1), (8, 2, 5)), Holder(2, (9, 2, 5))];
        Assert.Equal(FakeWorkers.Hash(0, 5, 9), StateHashSum.Of(holders, 9, NumLayers));
        Assert.Empty(StateHashSum.Of(holders, 8, NumLayers));
    }

    private static StateHolder Holder(int worker, params (ulong Step, uint First, uint Last)[] states) => new(
        FakeWorkers.Key(worker), [.. states.Select(state => new HeldState { Step = state.Step, FirstLayer = state.First, LastLayer = state.Last, Hash = FakeWorkers.Hash(state.First, state.Last, state.Step) })]);

    private static bool Has(List<StateHolder> holders, ulong step, int layer) =>
        holders.Exists(holder => holder.States.Any(state => state.Step == step && state.FirstLayer <= layer && state.LastLayer >= layer));

    private static List<StateHolder> Holders(Random random) => [.. Enumerable.Range(0, random.Next(1, 5)).Select(worker =>
    {
        var states = Enumerable.Range(0, random.Next(5)).Select(_ =>
        {
            var first = random.Next(NumLayers);
            return new HeldState
            {
                Step = (ulong)random.Next(4, 8),
                FirstLayer = (uint)(random.Next(2) * first),
                LastLayer = (uint)random.Next(first, NumLayers),
                Holding = (StateHolding)random.Next(1, 4),
            };
        });
        return new StateHolder(FakeWorkers.Key(worker), [.. states]);
    })];

    private static List<RankPlacement> Ranks(Random random, List<StateHolder> holders)
    {
        var stages = random.Next(1, Math.Min(holders.Count, NumLayers) + 1);
        var workers = holders.OrderBy(_ => random.Next()).Take(stages).ToList();
        return [.. workers.Select((holder, stage) => new RankPlacement(stage, 0, stage, holder.Worker, stage * NumLayers / stages, ((stage + 1) * NumLayers / stages) - 1))];
    }
}
