using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>Ten workers of a run end by SIGKILL, at random steps: the bytes are those of the run that nobody disturbed, a kill repeats one step at most and costs ten seconds at most.</summary>
/// <remarks>Explicit, for each takes minutes: <c>.ci/full</c> runs them. A kill waits until the job has got over the one before, for two at once may take a state and its mirror.</remarks>
[Collection(nameof(Alone))]
public sealed class TenKillsTests(QuietRuns quiet, ITestOutputHelper output) : IClassFixture<QuietRuns>
{
    private const int Kills = 10;

    [Theory(Explicit = true)]
    [InlineData(true, 2, 1, 0)]
    [InlineData(true, 2, 1, 1)]
    [InlineData(true, 1, 2, 0)]
    [InlineData(true, 1, 2, 1)]
    [InlineData(true, 2, 2, 0)]
    [InlineData(true, 3, 1, 0)]
    [InlineData(false, 2, 1, 0)]
    [InlineData(false, 2, 1, 1)]
    [InlineData(false, 1, 2, 0)]
    [InlineData(false, 2, 2, 1)]
    public async Task Train_TenWorkersKilled_EndsInTheSameBytes(bool golden, int replicas, int stages, int spares)
    {
        int steps = golden ? 300 : 80;
        var job = QuietRuns.Job(golden, replicas, stages, spares, $"training.max_steps={steps}", "training.eval_steps=0.5") with { Apart = true };
        var plan = Fault.Plan(new Random(replicas + (10 * stages) + (100 * spares)), Kills, [FaultKind.Kill], job.Workers, steps, apart: true);

        var outcome = await quiet.AssertUndisturbedAsync(job, plan);

        foreach (string line in ChaosTable.Lines(outcome, []))
        {
            output.WriteLine(line);
        }

        Assert.InRange(outcome.StepsRepeated, 0, Kills);
        Assert.True(outcome.LostWorkerSeconds > 0);
    }
}
