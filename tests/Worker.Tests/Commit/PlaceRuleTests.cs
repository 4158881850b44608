using Orchestrator.Protos;
using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class PlaceRuleTests
{
    [Theory]
    [InlineData(2, 1, true)]
    [InlineData(2, 2, false)]
    [InlineData(0, 2, true)]
    public void HasAPlace_OfAGenerationOfThree_IsWhoseRankIsTheLayouts(uint places, uint rank, bool expected) => Assert.Equal(expected, PlaceRule.HasAPlace(Start(places), rank));

    [Fact]
    public void Check_OfAnotherPlaceThanTheLoadedOne_IsRefused()
    {
        var loaded = new StageSpec { NumReplicas = 1, NumStages = 2, Place = new Place { Stage = 1 } };
        PlaceRule.Check(loaded, Start(2), 1);
        Assert.Throws<InvalidOperationException>(() => PlaceRule.Check(loaded, Start(2), 0));
        Assert.Throws<InvalidOperationException>(() => PlaceRule.Check(loaded, Start(3), 1));
        Assert.Throws<InvalidOperationException>(() => PlaceRule.Check(null, Start(2), 1));
    }

    private static StartGeneration Start(uint places) => new() { NumPlaces = places, Peers = { new Peer(), new Peer(), new Peer() } };
}
