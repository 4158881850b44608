using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Whoever loads is told who has the same layers, and by what they know each other.</summary>
public sealed class BaseHolderTests
{
    [Fact]
    public async Task Everybody_InTheFirstGeneration_LoadsTogetherAndAsksNobody()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        Assert.Equal(2, Loads(lost).Count);
        Assert.All(Loads(lost), load => Assert.True(load is { Joins: false, Holders.Count: 0, BaseSecret.Length: 32 }));
    }

    [Fact]
    public async Task Spare_ThatTakesTheLostPlace_IsToldOfTheOtherReplica()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        lost.Lose(1);
        var load = Loads(lost, 2).Single();
        Assert.False(load.Joins);
        Assert.Equal((("worker-0", "http://127.0.0.1:4000"), (load.Stage.FirstLayer, load.Stage.LastLayer)), Holder(load));
        Assert.Equal(Loads(lost, 0)[0].BaseSecret, load.BaseSecret);
        // Nobody is told of itself.
        Assert.Empty(Loads(lost, 0)[^1].Holders);
    }

    [Fact]
    public async Task Spare_WhoseLayersNobodyHas_AsksNobody()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.OneByTwo);
        lost.Lose(1);
        Assert.Empty(Loads(lost, 2).Single().Holders);
    }

    /// <summary>Not of the life that was lost, and not of layers that it does not need.</summary>
    [Fact]
    public async Task Newcomer_OfAGrowth_IsToldThatTheOthersHaveLoaded()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Run.Pass(5);
        lost.StopAt();
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class) with { Key = new("worker-1", 8) });
        var load = lost.Run.Sent.First(message => message.Key.Incarnation == 8 && message.Message.LoadStage is not null).Message.LoadStage;
        Assert.True(load.Joins);
        Assert.Equal(("worker-0", "http://127.0.0.1:4000"), Holder(load).Worker);
        Assert.True(load.Holders[0].FirstLayer < load.Stage.FirstLayer && load.Holders[0].LastLayer == load.Stage.LastLayer);
    }

    private static ((string Id, string Address) Worker, (uint First, uint Last) Layers) Holder(LoadStage load)
    {
        var holder = Assert.Single(load.Holders);
        return ((holder.Worker.WorkerId, holder.Address), (holder.FirstLayer, holder.LastLayer));
    }

    private static List<LoadStage> Loads(LostRun lost, int? worker = null) =>
        [.. lost.Run.Sent.Where(sent => sent.Message.LoadStage is not null && (worker is null || sent.Key == FakeWorkers.Key(worker.Value))).Select(sent => sent.Message.LoadStage)];
}
