using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Tests.Models;
using Orchestrator.Worker.Tests.Transfer;
using Orchestrator.Worker.Transfer;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class EvaluationPassTests
{
    private const int MicroBatches = 7;

    /// <summary>What waits at the next stage is bounded by credits: without any the first stage stops, and says for whom.</summary>
    [Fact]
    public async Task Run_WithoutCredits_SendsTheMostThatMayWaitAndNoMore()
    {
        using var pass = new FirstStage();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var run = Task.Run(() => pass.Run(ended.Token), CancellationToken.None);
        await pass.WaitsOrEndsAsync(run);
        await ended.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal([0, 1, 2, 3], pass.Sent);
        Assert.EndsWith("evaluation of micro-batch 0", pass.Wait, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WithACreditAfterAnother_SendsOneMoreForEach()
    {
        using var pass = new FirstStage();
        var run = Task.Run(() => pass.Run(TestContext.Current.CancellationToken), CancellationToken.None);
        for (var credit = 0; credit < MicroBatches - EvaluationPass.MostAhead; credit++)
        {
            await pass.WaitsOrEndsAsync(run);
            Assert.Equal(EvaluationPass.MostAhead + credit, pass.Sent.Count);
            pass.Credit(credit);
        }

        await run;
        Assert.Equal(Enumerable.Range(0, MicroBatches), pass.Sent);
    }

    /// <summary>Stage 0 of two, and what it sends to a next stage that is not there.</summary>
    private sealed class FirstStage : IPeerLink, IDisposable
    {
        private readonly StageAssets _assets;
        private readonly StageActivity _activity = new();
        private readonly InMemoryPeers _peers = new();
        private readonly StageGeneration _generation;
        private readonly ConcurrentQueue<int> _sent = new();
        private readonly string _folder = Directory.CreateTempSubdirectory("evaluation-").FullName;

        public FirstStage()
        {
            var spec = GoldenFiles.Stage(GoldenFiles.Model("tinyllama-linear"), Weights.Sixteen, last: 0);
            spec.Place = new Place { Replica = 0, Stage = 0 };
            spec.NumStages = 2;
            var loaded = new LoadedStage(spec);
            _assets = new StageAssets { Spec = spec, Device = torch.CPU, Model = loaded.Model, Adapter = loaded.Adapter, Train = null, Evaluation = new SplitReader(BlobReader.Open(Split())) };
            _generation = new StageGeneration(
                new JobScope { Job = "job", Generation = 1, Fence = 1 }, new WorkerIdentity { WorkerId = "worker-0", Incarnation = 1 }, spec.Place, 1, 2, ["worker-0", "worker-1"],
                this, _peers[0].Tensors, _peers[0].Agreements);
            _peers[0].Tensors.Open("job", 1, new TransferLimits(ulong.MaxValue / 2, ulong.MaxValue / 2));
        }

        /// <summary>Micro-batches whose activations were sent, in order.</summary>
        public IReadOnlyList<int> Sent => [.. _sent];

        /// <summary>What the pass said last that it waits for.</summary>
        public string Wait { get; private set; } = "";

        public ulong BytesSent => 0;

        public IReadOnlyList<SampleLoss> Run(CancellationToken cancellationToken) => new EvaluationPass(_assets, _generation, new StageMail(_assets, _generation, _activity), _activity).Run(
            1, [.. Enumerable.Range(0, MicroBatches).Select(sample => new MicroBatch { Samples = { (uint)sample }, Packed = true })], cancellationToken);

        /// <summary>Until the pass says that it waits for the next stage again, or has ended.</summary>
        public async Task WaitsOrEndsAsync(Task run)
        {
            while (!run.IsCompleted && (_activity.Text == Wait || !_activity.Text.StartsWith("step 1: waits for worker-1, stage 1, ", StringComparison.Ordinal)))
                await Task.Delay(1, TestContext.Current.CancellationToken);
            Wait = _activity.Text;
        }

        public void Credit(int microBatch) => _peers[1].Send(0, _generation.Key(1, 1, TensorKind.EvaluationCredit, microBatch), DType.U8, new TensorBuffer(0));

        public void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null)
        {
            Assert.Equal((1u, TensorKind.EvaluationActivation), (receiver, key.Kind));
            _sent.Enqueue((int)key.Index);
            buffer.Dispose();
        }

        public void Cast(uint parent, StepVote vote) => throw new NotSupportedException();

        public void Announce(uint child, StepVerdict verdict) => throw new NotSupportedException();

        public void Dispose()
        {
            _assets.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        /// <summary>A shard of as many samples as there are micro-batches.</summary>
        private string Split()
        {
            const int TokensASample = 3;
            long[] offsets = [.. Enumerable.Range(0, MicroBatches + 1).Select(sample => (long)sample * TokensASample)];
            int[] ids = [.. Enumerable.Range(0, MicroBatches * TokensASample)];
            using var writer = BlobWriter.Create(
                _folder, "tokens", [],
                [new("offsets", DType.I64, [(ulong)offsets.Length]), new("input_ids", DType.I32, [(ulong)ids.Length]), new("labels", DType.I32, [(ulong)ids.Length])]);
            writer.Write("offsets", MemoryMarshal.AsBytes(offsets.AsSpan()));
            writer.Write("input_ids", MemoryMarshal.AsBytes(ids.AsSpan()));
            writer.Write("labels", MemoryMarshal.AsBytes(ids.AsSpan()));
            writer.Complete("split.blob");
            return Path.Combine(_folder, "split.blob");
        }
    }
}
