using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;
using Orchestrator.Protos.Steps;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class EngineTests
{
    private const string Golden = "nf4-adamw-linear";
    private const int Steps = 6;

    // What transformers, PEFT and bitsandbytes gave: expected.jsonl.
    private static readonly double[] ExpectedLosses =
        [6.573223876953125, 6.422965873555934, 6.482069880951869, 6.5103053730950755, 6.518774096597761, 6.42776437056692];

    private static readonly double[] ExpectedNorms =
        [1.1260510683059692, 1.0845239162445068, 1.1432914733886719, 1.1094223260879517, 1.1240031719207764, 1.2098946571350098];

    private const double ExpectedEvalLossBefore = 6.552546532878326;

    private static readonly Lazy<Task<EngineRun>> Alone = new(() => EngineRun.RunAsync(Golden, 1, 1, Steps));

    [Fact]
    public async Task Run_OneWorker_GivesTheReferencesLossesAndNorms()
    {
        var run = await Alone.Value;
        for (var step = 1; step <= Steps; step++)
        {
            Assert.InRange(run.LossOf((ulong)step) / ExpectedLosses[step - 1], 1 - 1e-4, 1 + 1e-4);
            Assert.InRange(run.Steps.First(report => report.Step == (ulong)step).GradNorm / ExpectedNorms[step - 1], 1 - 1e-4, 1 + 1e-4);
        }
    }

    [Fact]
    public async Task Run_OneWorker_GivesTheReferencesEvaluationLoss()
    {
        var losses = (await Alone.Value).EvaluationAt(0).ToArray();
        var mean = losses.Sum(loss => loss.LossSum) / losses.Sum(loss => (double)loss.LabelTokens);
        Assert.InRange(mean / ExpectedEvalLossBefore, 1 - 1e-4, 1 + 1e-4);
    }

    /// <summary>The job takes its samples in the file's order, eight a step, two a micro-batch.</summary>
    [Fact]
    public async Task Run_OneWorker_SaysWhichSamplesItRead()
    {
        foreach (var report in (await Alone.Value).Steps.Where(report => report.Step <= 2))
        {
            var first = (uint)(report.Step - 1) * 8;
            Assert.Equal(
                Enumerable.Range(0, 4).Select(i => SampleHash.Of(report.Step, (uint)i, [first + (2 * (uint)i), first + (2 * (uint)i) + 1])), report.Losses.Select(loss => loss.Samples));
        }
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    public async Task Run_AnyLayout_GivesTheBitsOfOneWorker(int replicas, int stages)
    {
        var alone = await Alone.Value;
        var run = await EngineRun.RunAsync(Golden, replicas, stages, Steps);
        Assert.Equal(alone.Adapter.Keys.Order(StringComparer.Ordinal), run.Adapter.Keys.Order(StringComparer.Ordinal));
        Assert.All(alone.Adapter, matrix => Assert.Equal(matrix.Value, run.Adapter[matrix.Key]));
        for (ulong step = 1; step <= Steps; step++)
        {
            Assert.Equal(alone.LossOf(step), run.LossOf(step));
            var expected = alone.Steps.First(report => report.Step == step);
            Assert.All(run.Steps.Where(report => report.Step == step), report => Assert.Equal((expected.GradNorm, expected.Losses), (report.GradNorm, report.Losses)));
        }

        for (uint rank = 0; rank < replicas * stages; rank++)
            Assert.Equal(alone.EvaluationAt(0), run.EvaluationAt(0, rank / (uint)stages, rank % (uint)stages));
    }

    /// <summary>Windows of four steps: the one that it holds in, and the ones behind it, which were opened ahead of time.</summary>
    [Fact]
    public async Task Run_ToldToHold_ActsOnNoLaterStepOfAnyWindow()
    {
        var run = await EngineRun.RunAsync(Golden, 2, 1, 12, holdAfter: 3);
        Assert.Equal([(0, 1UL), (0, 2UL), (0, 3UL), (1, 1UL), (1, 2UL), (1, 3UL)], run.Acted);
        Assert.Equal(3UL, run.Steps.Max(report => report.Step));
    }

    [Fact]
    public async Task Run_TwoReplicas_RunEveryMicroBatchOnceAndAgreeOnTheState()
    {
        var run = await EngineRun.RunAsync(Golden, 2, 1, Steps);
        var last = run.Steps.Where(report => report.Step == Steps).ToArray();
        Assert.Equal(4UL * Steps, last.Aggregate(0UL, (sum, report) => sum + report.Totals.MicroBatchesRun));
        Assert.Single(last.Select(report => report.StateHash).Distinct());
        Assert.All(last, report => Assert.True(report.Totals.GradientBytesReceived > 0));
        Assert.All(last, report => Assert.InRange(report.Phases.Forward + report.Phases.Backward + report.Phases.Reduce + report.Phases.Optimizer + report.Phases.Wait + report.Phases.Vote + report.Phases.History + report.Phases.Mirror, report.Phases.Total * 0.8, report.Phases.Total * 1.001));
    }

    // The test of the test: a residual stream that loses bits on the wire is found.
    [Fact]
    public async Task Run_ResidualRoundedOnTheWire_GivesOtherBits()
    {
        var alone = await Alone.Value;
        var run = await EngineRun.RunAsync(Golden, 1, 2, Steps, link => new RoundingLink(link));
        Assert.Contains(alone.Adapter, matrix => !matrix.Value.AsSpan().SequenceEqual(run.Adapter[matrix.Key]));
    }

    // The test of the test: with one sum a replica in place of the slots, the bits depend on the layout. In bf16, whose sums are fp32: those of an fp32 job are fp64 and hide it.
    [Fact]
    public async Task Run_OneSumAReplica_GivesOtherBitsOnTwoReplicasThanOnOne()
    {
        static JobSpec InBfloat16(JobSpec spec) => spec with { Quantization = spec.Quantization with { ComputeDtype = DType.Bf16 } };
        var alone = await EngineRun.RunAsync(Golden, 1, 1, Steps, with: InBfloat16, slots: (microBatches, _) => SlotRule.For(microBatches, 1));
        var run = await EngineRun.RunAsync(Golden, 2, 1, Steps, with: InBfloat16, slots: (microBatches, _) => SlotRule.For(microBatches, 2));
        Assert.Contains(alone.Adapter, matrix => !matrix.Value.AsSpan().SequenceEqual(run.Adapter[matrix.Key]));
    }

    /// <summary>More micro-batches than slots: a slot's are added one after the other, side by side as in a pipeline, and each is counted.</summary>
    [Fact]
    public async Task Run_SeveralMicroBatchesASlot_GivesTheBitsOfThePipeline()
    {
        static JobSpec InBfloat16(JobSpec spec) => spec with { Quantization = spec.Quantization with { ComputeDtype = DType.Bf16 } };
        var alone = await EngineRun.RunAsync(Golden, 1, 1, Steps, with: InBfloat16, slots: (microBatches, _) => SlotRule.For(microBatches, 1));
        var run = await EngineRun.RunAsync(Golden, 1, 2, Steps, with: InBfloat16, slots: (microBatches, _) => SlotRule.For(microBatches, 1));
        Assert.All(alone.Adapter, matrix => Assert.Equal(matrix.Value, run.Adapter[matrix.Key]));
        Assert.Equal(4UL * Steps, Assert.Single(alone.Steps, report => report.Step == Steps).Totals.MicroBatchesRun);
    }

    [Fact]
    public async Task Run_ChunkSumsMergedBeforeTheVote_Fails()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => EngineRun.RunAsync(Golden, 2, 1, 1, link => new VoteLink(link, vote =>
        {
            var merged = new ChunkSum { Chunk = vote.ChunkSums[0].Chunk, SumOfSquares = vote.ChunkSums.Sum(sum => sum.SumOfSquares) };
            vote.ChunkSums.Clear();
            vote.ChunkSums.Add(merged);
        })));
        Assert.Contains("chunk sums where the job has", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public async Task Run_LastChunkMissingInTheVote_Fails(int replicas, int stages)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            EngineRun.RunAsync(Golden, replicas, stages, 1, link => new VoteLink(link, vote => vote.ChunkSums.RemoveAt(vote.ChunkSums.Count - 1))));
        Assert.Contains("chunk sums where the job has", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public async Task Run_NaNInOneReplicasGradient_SkipsThatStepOnEveryRankAndGoesOn(int replicas, int stages)
    {
        const ulong Bad = 2;
        var before = await EngineRun.RunAsync(Golden, replicas, stages, 1);
        var skipped = await EngineRun.RunAsync(Golden, replicas, stages, 2, link => new NaNLink(link, Bad));
        var run = await EngineRun.RunAsync(Golden, replicas, stages, 3, link => new NaNLink(link, Bad));
        Assert.Equal(replicas * stages, skipped.States.Count);
        Assert.All(before.States, rank => Assert.Equal(rank.Value, skipped.States[rank.Key]));
        for (var rank = 0; rank < replicas * stages; rank++)
        {
            var reports = run.Steps.Where(report => (report.Place.Replica * stages) + report.Place.Stage == rank).OrderBy(report => report.Step).ToArray();
            Assert.Equal([true, false, true], reports.Select(report => report.Applied));
            Assert.Equal(0, reports[1].GradNorm);
            Assert.Equal(reports[0].StateHash, reports[1].StateHash);
            Assert.NotEqual(reports[1].StateHash, reports[2].StateHash);
            Assert.True(double.IsFinite(reports[2].GradNorm) && reports[2].GradNorm > 0);
            Assert.NotEqual(skipped.States[rank], run.States[rank]);
        }
    }

    // Puts a NaN, which all bits set are in fp32 and fp64, into what replica 1 sends of stage 0's gradient in one step.
    private sealed class NaNLink(IPeerLink inner, ulong step) : IPeerLink
    {
        public ulong BytesSent => inner.BytesSent;

        public unsafe void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null)
        {
            if (key.Kind is TensorKind.PartialGradient && key.Step == step && receiver == 0)
                *(ulong*)buffer.Pointer = ulong.MaxValue;
            inner.Send(receiver, key, dtype, buffer, received);
        }

        public void Cast(uint parent, StepVote vote) => inner.Cast(parent, vote);

        public void Announce(uint child, StepVerdict verdict) => inner.Announce(child, verdict);
    }

    private sealed class VoteLink(IPeerLink inner, Action<StepVote> change) : IPeerLink
    {
        public ulong BytesSent => inner.BytesSent;

        public void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null) => inner.Send(receiver, key, dtype, buffer, received);

        public void Cast(uint parent, StepVote vote)
        {
            if (!vote.Evaluation)
                change(vote);
            inner.Cast(parent, vote);
        }

        public void Announce(uint child, StepVerdict verdict) => inner.Announce(child, verdict);
    }

    private sealed class RoundingLink(IPeerLink inner) : IPeerLink
    {
        public ulong BytesSent => inner.BytesSent;

        public unsafe void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null)
        {
            if (key.Kind is TensorKind.Activation)
            {
                for (long i = 0; i < buffer.Bytes / sizeof(uint); i++)
                    ((uint*)buffer.Pointer)[i] &= 0xFFFF0000;
            }

            inner.Send(receiver, key, dtype, buffer, received);
        }

        public void Cast(uint parent, StepVote vote) => inner.Cast(parent, vote);

        public void Announce(uint child, StepVerdict verdict) => inner.Announce(child, verdict);
    }
}
