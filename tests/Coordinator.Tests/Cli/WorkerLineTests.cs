using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class WorkerLineTests
{
    [Theory]
    [InlineData("info: worker[2] Attached to http://127.0.0.1:1/", LogLevel.Information, "Attached to http://127.0.0.1:1/")]
    [InlineData("warn: Orchestrator.Worker.Sessions[3] The stream broke", LogLevel.Warning, "The stream broke")]
    [InlineData("fail: worker[6] Job job-a: no memory.", LogLevel.Error, "Job job-a: no memory.")]
    [InlineData("  no driver: on[1] this machine ", LogLevel.Information, "no driver: on[1] this machine")]
    public void Parse_ALineOfAWorker_GivesLevelAndText(string line, LogLevel level, string text) =>
        Assert.Equal(new WorkerLine(level, text), WorkerLine.Parse(line));
}
