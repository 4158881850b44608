using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Preflight;

namespace Orchestrator.Coordinator.Tests.Preflight;

/// <summary>From which share of rows a remark stops a job.</summary>
public sealed class RemarkFindingsTests
{
    [Theory]
    [MemberData(nameof(ErrorShare.Cases), MemberType = typeof(ErrorShare))]
    public void DoubledBos_OfHalfTheRows_IsAnError(int doubled, int rows, string severity)
        => Assert.Equal(severity, Assert.Single(RemarkFindings.Of(Report(RemarkCode.DoubledBos, doubled, rows), ["data.jsonl"])).Severity.ToString());

    [Theory]
    [InlineData("SpecialTokenText", "Warning")]
    [InlineData("EmptyAnswer", "Warning")]
    [InlineData("UnusedField", "Info")]
    public void OtherRemark_OfEveryRow_IsNoError(string code, string severity)
        => Assert.Equal(severity, Assert.Single(RemarkFindings.Of(Report(Enum.Parse<RemarkCode>(code), 2, 2), ["data.jsonl"])).Severity.ToString());

    private static PreparationReport Report(RemarkCode code, int remarked, int rows)
    {
        var tally = new RemarkTally();
        for (var line = 1; line <= remarked; line++)
        {
            tally.Add(code, new RecordPlace(0, line, 0, 0), "something");
        }

        return new PreparationReport { Counts = new SplitCounts(rows, 0, 0, 0), Files = [], Remarks = [.. tally.Groups], Statistics = new SampleStatistics() };
    }
}
