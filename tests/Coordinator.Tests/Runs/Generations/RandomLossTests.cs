using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Losses, newcomers, departures and restarts of the coordinator at random, also in the middle of each other, with workers' messages in any order.</summary>
public sealed class RandomLossTests
{
    private const int Runs = 12;

    private static readonly string[] Layouts = [LostRun.TwoByOne, LostRun.OneByTwo, LostRun.TwoByTwo, "layout={replicas: 3, stages: 1}", "layout={replicas: 1, stages: 1}"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Run_WithFaultsAtRandom_EndsLikeAQuietOne(int seed)
    {
        var random = new Random(seed);
        var (generations, repeated) = (0UL, 0UL);
        for (var i = 0; i < Runs; i++)
        {
            var workers = random.Next(1, 6);
            using var lost = await LostRun.AtAsync(workers, (ulong)random.Next(1, 12), Layouts[random.Next(Layouts.Length)], random.Next(4) == 0 ? "resilience=checkpoint" : "resilience=mirror");
            Disturb(lost, random);

            // At last there are workers for every place, and nothing happens any more.
            lost.Run.Before = null;
            lost.StopAt();
            lost.Workers.Silent.Clear();
            lost.Run.Restart(new FleetSnapshot(1_000_000, [.. Enumerable.Range(0, 4).Select(worker => FakeWorkers.Life(worker, 1_000))]));
            lost.Run.Pass(20);

            Assert.True(lost.Run.Record.State == JobState.Succeeded, $"seed {seed}, run {i}: {lost.Run.Record.State}, {lost.Run.Record.Reason}");
            lost.AssertSteps(40);
            Assert.Equal([0UL, 20UL, 40UL], lost.Run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step));
            AssertReplay(lost.Run);
            generations = Math.Max(generations, lost.Run.Record.Generations.Number);
            repeated += (ulong)lost.Run.Journal.OfType<JobPlaced>().Sum(placed => (long)placed.StepsRepeated);
        }

        Assert.True(generations > 3 && repeated > 0, $"{generations} generations, {repeated} steps repeated");
    }

    [Fact]
    public async Task Cancel_AmongFaultsAtRandom_LeavesACheckpointOfTheNewestStep()
    {
        var random = new Random(4);
        var saved = 0;
        for (var i = 0; i < Runs; i++)
        {
            using var lost = await LostRun.AtAsync(random.Next(1, 6), (ulong)random.Next(1, 12), Layouts[random.Next(Layouts.Length)]);
            Disturb(lost, random);
            lost.Run.Before = null;
            lost.Workers.HoldsBack = true;
            lost.Run.Tell(new CancelJob { Job = "job-1" });
            lost.Workers.HoldsBack = false;
            if (lost.Run.Record.HasEnded)
            {
                Assert.Equal(JobState.Cancelled, lost.Run.Record.State);
                continue;
            }

            lost.Workers.Silent.Clear();
            lost.Run.Restart(new FleetSnapshot(1_000_000, [.. Enumerable.Range(0, 4).Select(worker => FakeWorkers.Life(worker, 1_000))]));
            lost.Run.Pass(20);

            Assert.True((JobState.Cancelled, lost.Run.Record.CommittedStep) == (lost.Run.Record.State, lost.Run.Record.LastCheckpoint), $"run {i}: {lost.Run.Record.State}, {lost.Run.Record.Reason}");
            lost.AssertSteps(lost.Run.Record.CommittedStep);
            saved++;
        }

        Assert.True(saved > 3, $"{saved}");
    }

    private static void Disturb(LostRun lost, Random random)
    {
        var incarnation = 10UL;
        lost.Run.Next = waiting => AnyWorkersFirst(waiting, random);
        lost.Run.Before = run =>
        {
            // One fault in the middle of what another one leads to.
            if (random.Next(40) == 0 && run.Fleet.Workers.Length > 0 && run.Record.Generations.LossesInARow < 2)
            {
                run.LoseNow(run.Fleet.Workers[random.Next(run.Fleet.Workers.Length)].Key);
            }
        };
        for (var fault = random.Next(1, 8); fault > 0 && !lost.Run.Record.HasEnded; fault--)
        {
            lost.Workers.MirrorIsLate = random.Next(3) == 0;
            lost.StopAt(Math.Min(39, lost.Run.Record.CommittedStep + (ulong)random.Next(1, 6)));
            var fleet = lost.Run.Fleet.Workers;
            switch (random.Next(6))
            {
                case 0 or 1 when fleet.Length > 0 && lost.Run.Record.Generations.LossesInARow < 2:
                    lost.Run.Lose(fleet[random.Next(fleet.Length)].Key);
                    break;
                case 2 when fleet.Length > 0:
                    lost.Run.Attach(fleet[random.Next(fleet.Length)] with { DrainReason = "it was told to end." });
                    break;
                case 3:
                    lost.Run.Restart(lost.Run.Fleet);
                    break;
                case 4 or 5 when lost.Run.Record.Generations.LossesInARow < 2:
                    lost.Run.Attach(FakeWorkers.Life(random.Next(5), ++incarnation));
                    break;
            }

            lost.Run.Pass(random.Next(3) * 3);
        }
    }

    // Any worker may be next, but each worker's messages keep their order.
    private static int AnyWorkersFirst(IReadOnlyList<object> waiting, Random random)
    {
        var picked = waiting[random.Next(waiting.Count)];
        return picked is FromWorker from ? waiting.ToList().FindIndex(other => other is FromWorker { Key: var key } && key == from.Key) : waiting.ToList().IndexOf(picked);
    }

    private static void AssertReplay(PureRun run)
    {
        var replayed = run.Journal.Aggregate(JobRecord.Empty, (record, happened) => record.Apply((IJobEvent)((IMessage)happened).Descriptor.Parser.ParseFrom(((IMessage)happened).ToByteArray())));
        Assert.Equal(run.Record, replayed);
    }
}
