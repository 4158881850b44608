using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Training;

/// <summary>The README's first command, whole.</summary>
public sealed class SampleTests
{
    [Fact]
    public void Train_Sample_ReachesTheReferencesQuality()
    {
        using var folder = new TemporaryFolder();
        var result = OrchestratorProcess.Run("train", Repository.Sample("orders.yaml"), "--out", folder["out"], "--json");
        Assert.True(result.ExitCode == 0, result.ToString());
        var summary = JsonDocument.Parse(result.LastLine).RootElement;
        Assert.InRange(summary.GetProperty("eval_loss_before").GetDouble(), 5.63, 5.73);
        Assert.InRange(summary.GetProperty("eval_loss_after").GetDouble(), 0.01, 0.06);
        Assert.True(summary.GetProperty("tokens_per_second").GetDouble() > 0);
        Assert.Equal(500, new RunOutput(folder["out"]).Steps.Count);
    }
}
