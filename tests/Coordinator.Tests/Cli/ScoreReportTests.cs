using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Cli.Score;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class ScoreReportTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void End_OfALossThatIsNotFinite_WritesWhatThereIsAndFails(bool json)
    {
        using var writer = new StringWriter();
        var report = new ScoreReport(writer, json);
        report.Begin();
        report.Add(new SampleScore { Sample = 0, LossSum = 2, Logprobs = { -1, -1 } });
        report.Add(new SampleScore { Sample = 1, LossSum = double.NaN, Logprobs = { float.NaN } });

        var failure = Assert.Throws<CommandFailedException>(report.End);

        Assert.StartsWith("The mean loss is no finite number", failure.Message, StringComparison.Ordinal);
        Assert.Contains(json ? "\"mean_loss\":null" : "mean loss", writer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void End_OfFiniteLosses_IsTheirMean()
    {
        using var writer = new StringWriter();
        var report = new ScoreReport(writer, json: true);
        report.Add(new SampleScore { Sample = 0, LossSum = 2, Logprobs = { -1, -1 } });
        report.Add(new SampleScore { Sample = 1, LossSum = 4, Logprobs = { -4 } });
        report.End();

        Assert.Contains("{\"mean_loss\":2,\"perplexity\":7.38", writer.ToString(), StringComparison.Ordinal);
    }
}
