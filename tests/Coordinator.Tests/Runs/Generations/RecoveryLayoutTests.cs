using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

public sealed class RecoveryLayoutTests
{
    /// <summary>Random layouts, survivors and newcomers: the layout is the largest that the workers allow, and who can stay with its layers does.</summary>
    [Fact]
    public void Plan_OverRandomSurvivors_IsTheLargestAndMovesNobodyWithoutNeed()
    {
        var random = new Random(3);
        var moved = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var target = new LayoutTarget(random.Next(1, 4), [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(1, 4))]);
            var old = Full(target);
            var survivors = old.Where(_ => random.Next(3) > 0).ToList();
            var workers = survivors.Select(place => new RecoveryCandidate(place.Worker, place))
                .Concat(Enumerable.Range(100, random.Next(3)).Select(index => new RecoveryCandidate(FakeWorkers.Key(index), null))).ToList();

            var plan = RecoveryLayout.Plan(target, workers, mayCome: random.Next(2) == 0, patienceOver: true);

            if (workers.Count == 0)
            {
                Assert.Null(plan.Ranks);
                continue;
            }

            var ranks = plan.Ranks!.Value;
            var replicas = Math.Min(target.Replicas, workers.Count / target.NumStages);
            Assert.Equal(replicas > 0 ? (replicas, target.NumStages) : (1, workers.Count), (plan.NumReplicas, plan.NumStages));
            Assert.Equal(plan.NumReplicas * plan.NumStages, ranks.Select(rank => rank.Worker).Distinct().Count());
            foreach (var replica in ranks.GroupBy(rank => rank.Replica))
            {
                Assert.Equal(Enumerable.Range(0, target.NumLayers), replica.SelectMany(rank => Enumerable.Range(rank.FirstLayer, rank.LastLayer - rank.FirstLayer + 1)));
            }

            if (replicas == 0)
            {
                continue;
            }

            // As many places as can be have a worker that holds their layers already.
            foreach (var layers in ranks.GroupBy(rank => (rank.FirstLayer, rank.LastLayer)))
            {
                var holding = survivors.Where(place => (place.FirstLayer, place.LastLayer) == layers.Key).Select(place => place.Worker).ToHashSet();
                Assert.Equal(Math.Min(holding.Count, layers.Count()), layers.Count(rank => holding.Contains(rank.Worker)));
                moved += layers.Count(rank => !holding.Contains(rank.Worker));
            }

            Assert.All(survivors, place => Assert.True(place.Replica >= replicas || ranks[place.Rank].Worker == place.Worker));
        }

        Assert.True(moved > 500);
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(false, false, false)]
    public void Plan_WithFewerWorkersThanStages_WaitsOnlyWhereAnotherMayComeAndNotForEver(bool mayCome, bool patienceOver, bool waits)
    {
        var target = new LayoutTarget(2, [3, 3]);
        var plan = RecoveryLayout.Plan(target, [new RecoveryCandidate(FakeWorkers.Key(3), Full(target)[3])], mayCome, patienceOver);

        Assert.Equal((waits, waits), (plan.Waits, plan.Ranks is null));
    }

    [Fact]
    public void Plan_WithOneReplicaLess_IsNotWaitedFor()
    {
        var target = new LayoutTarget(2, [3, 3]);
        var plan = RecoveryLayout.Plan(target, [.. Full(target).Skip(1).Select(place => new RecoveryCandidate(place.Worker, place))], mayCome: true, patienceOver: false);

        Assert.Equal(["worker-2", "worker-1"], plan.Ranks!.Value.Select(rank => rank.Worker.WorkerId));
    }

    private static List<RankPlacement> Full(LayoutTarget target)
    {
        var places = new List<RankPlacement>();
        for (var rank = 0; rank < target.NumWorkers; rank++)
        {
            var stage = rank % target.NumStages;
            var first = target.Layers.Take(stage).Sum();
            places.Add(new RankPlacement(rank, rank / target.NumStages, stage, FakeWorkers.Key(rank), first, first + target.Layers[stage] - 1));
        }

        return places;
    }
}
