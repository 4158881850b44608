using FsCheck.Xunit;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class PipelineScheduleTests
{
    [Theory]
    [InlineData(0, 1, 3, "F0 B0 F1 B1 F2 B2")]
    [InlineData(0, 2, 3, "F0 F1 B0 F2 B1 B2")]
    [InlineData(1, 2, 3, "F0 B0 F1 B1 F2 B2")]
    [InlineData(1, 4, 4, "F0 F1 F2 B0 F3 B1 B2 B3")]
    [InlineData(0, 4, 2, "F0 F1 B0 B1")]
    [InlineData(0, 4, 0, "")]
    public void Schedule_OfAStage_PrintsAndParses(int stage, int numStages, int microBatches, string text)
    {
        var schedule = PipelineSchedule.OneForwardOneBackward(stage, numStages, microBatches);
        Assert.Equal(text, PipelineSchedule.Print(schedule));
        Assert.Equal(schedule, PipelineSchedule.Parse(text));
    }

    [Property]
    public void Schedule_AnyPipeline_RunsToItsEndWithBoundedMicroBatches(byte stages, byte batches)
    {
        int numStages = 1 + (stages % 9), microBatches = batches % 40;
        var programs = Enumerable.Range(0, numStages).Select(stage => new Queue<PipelineAction>(PipelineSchedule.OneForwardOneBackward(stage, numStages, microBatches))).ToArray();
        var forwarded = new int[numStages];
        var backwarded = new int[numStages];
        while (programs.Any(program => program.Count > 0))
        {
            var ready = Enumerable.Range(0, numStages).Where(stage => IsReady(programs, stage, forwarded, backwarded)).ToArray();
            Assert.True(ready.Length > 0, "the pipeline is stuck");
            foreach (var stage in ready)
            {
                var action = programs[stage].Dequeue();
                Assert.Equal(action.IsForward ? forwarded[stage] : backwarded[stage], action.MicroBatch);
                (action.IsForward ? forwarded : backwarded)[stage]++;
                Assert.InRange(forwarded[stage] - backwarded[stage], 0, numStages - stage);
            }
        }

        Assert.All(backwarded, count => Assert.Equal(microBatches, count));
    }

    private static bool IsReady(Queue<PipelineAction>[] programs, int stage, int[] forwarded, int[] backwarded)
    {
        if (!programs[stage].TryPeek(out var next))
            return false;
        return next.IsForward
            ? stage == 0 || forwarded[stage - 1] > next.MicroBatch
            : forwarded[stage] > next.MicroBatch && (stage + 1 == programs.Length || backwarded[stage + 1] > next.MicroBatch);
    }

    [Theory]
    [InlineData("X0")]
    [InlineData("F")]
    [InlineData("B-1")]
    public void Parse_SomethingElse_SaysWhatWouldBeRight(string text) => Assert.Contains("F0", Assert.Throws<FormatException>(() => PipelineSchedule.Parse(text)).Message, StringComparison.Ordinal);
}
