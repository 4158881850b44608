using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class MirrorRuleTests
{
    [Theory]
    [InlineData(0, 1, 1, MirrorKind.File, 0)]
    [InlineData(0, 1, 3, MirrorKind.Peer, 1)]
    [InlineData(2, 1, 3, MirrorKind.Peer, 0)]
    [InlineData(1, 2, 1, MirrorKind.None, 1)]
    [InlineData(3, 2, 3, MirrorKind.None, 3)]
    internal void PartnerOf_ARank_IsTheNextOneOfItsPipeline(uint rank, int replicas, int stages, MirrorKind kind, uint partner) =>
        Assert.Equal((kind, partner), MirrorRule.PartnerOf(rank, replicas, stages));

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void MirroredBy_EachStage_IsWhoseNextOneItIs(int stages)
    {
        for (uint rank = 0; rank < stages; rank++)
            Assert.Equal(rank, MirrorRule.MirroredBy(MirrorRule.PartnerOf(rank, 1, stages).Partner, 1, stages));
        Assert.Null(MirrorRule.MirroredBy(0, 1, 1));
        Assert.Null(MirrorRule.MirroredBy(0, 2, stages));
    }
}
