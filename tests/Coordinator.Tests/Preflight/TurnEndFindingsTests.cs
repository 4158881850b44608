using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Preflight;
using Orchestrator.Coordinator.Tests.Datasets;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Preflight;

/// <summary>From which share of answers an end token without loss stops a job.</summary>
public sealed class TurnEndFindingsTests
{
    private static readonly ModelText Model = ModelText.Open(GoldenDatasets.Model("qwen2_chatml"), DefaultJob.Data);

    [Theory]
    [MemberData(nameof(ErrorShare.Cases), MemberType = typeof(ErrorShare))]
    public void EndWithoutLoss_AfterHalfTheAnswers_IsAnError(int unlearned, int turns, string severity)
    {
        var finding = Assert.Single(TurnEndFindings.Of([Statistics(unlearned, turns)], Model, null));
        Assert.Equal(("end-of-turn-without-loss", severity), (finding.Code, finding.Severity.ToString()));
    }

    /// <summary>The share is that of all data: a split by itself may be worse.</summary>
    [Fact]
    public void EndWithoutLoss_OfTwoSplits_IsCountedOverBoth()
        => Assert.Equal("Warning", Assert.Single(TurnEndFindings.Of([Statistics(0, 3), Statistics(1, 1)], Model, null)).Severity.ToString());

    private static SampleStatistics Statistics(int unlearned, int turns)
        => new() { Turns = turns, EndsWithoutLoss = unlearned, UnlearnedEnd = unlearned > 0 ? Model.EndToken : null };
}
