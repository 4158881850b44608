using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Tests.Datasets;

public sealed class RemarkTallyTests
{
    [Fact]
    public void Add_MoreNamesThanAreKept_LosesNoOtherKind()
    {
        var tally = new RemarkTally();
        for (var i = 0; i < 100; i++)
        {
            tally.Add(RemarkCode.UnusedField, default, $"field {i}");
        }

        tally.Add(RemarkCode.DoubledBos, default, "");

        Assert.Contains(tally.Groups, group => group.Code == RemarkCode.DoubledBos && group.Count == 1);
        Assert.InRange(tally.Groups.Count, 2, 50);
    }
}
