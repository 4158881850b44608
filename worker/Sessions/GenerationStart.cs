using Google.Protobuf;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Mirrors;
using Orchestrator.Worker.Optimizers;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>Brings a worker to where a generation begins: gives the states that others need, takes those that it lacks, and makes what runs its steps.</summary>
/// <remarks>Every wait ends with the generation. Until its own state is whole nothing that was held is given up.</remarks>
/// <param name="holdings">What this worker holds of the job.</param>
/// <param name="parts">What jobs share.</param>
/// <param name="running">The generation.</param>
/// <param name="failed">Told of what fails beside the compute thread.</param>
/// <param name="jobEnded">The end of the job's part here.</param>
internal sealed class GenerationStart(JobHoldings holdings, WorkerParts parts, RunningGeneration running, Action<Exception> failed, CancellationToken jobEnded)
{
    private ulong Generation => running.Scope.Generation;

    /// <summary>The largest tensors that a stage's peers may send it.</summary>
    public static TransferLimits LimitsOf(StageAssets assets)
    {
        var constants = assets.Spec.Constants;
        var elementBytes = (ulong)BlobLayout.BytesOf(constants.ComputeDtype);
        return new TransferLimits(
            assets.Spec.MaxMicroBatchTokens * (ulong)assets.Spec.Model.HiddenSize * elementBytes,
            (ulong)(assets.Adapter.Layout.NumElements * BlobLayout.BytesOf(assets.Adapter.GradientSums)),
            (ulong)assets.Spec.NumChunks * constants.ChunkElements * (1 + (ulong)assets.Adapter.Moments.Count) * sizeof(float));
    }

    /// <summary>Hands over what this worker is to give to others.</summary>
    /// <exception cref="InvalidOperationException">It holds nothing of it.</exception>
    public void Give(StartGeneration command)
    {
        foreach (var transfer in command.Transfers.Where(transfer => transfer.FromRank == running.Rank && transfer.ToRank != running.Rank))
        {
            var given = 0;
            for (var layer = transfer.FirstLayer; layer <= transfer.LastLayer; layer++)
            {
                // A layer without adapters has no state, and the receiver waits for none.
                if (holdings.Find(command.FromStep, layer, transfer.Holding) is not { } piece)
                    continue;
                running.Link.Send(transfer.ToRank, Key(command.FromStep, running.Rank, layer), DType.F32, piece);
                given++;
            }

            if (given == 0)
                throw new InvalidOperationException($"the state after step {command.FromStep} of layers {transfer.FirstLayer} to {transfer.LastLayer} is to be given to rank {transfer.ToRank}, but none is held ({transfer.Holding})");
        }
    }

    /// <summary>Brings the stage to the generation's first state and makes what runs its windows.</summary>
    /// <exception cref="OperationCanceledException">The generation ended before.</exception>
    public async Task BeginAsync(StartGeneration command)
    {
        var assets = holdings.Assets!;
        var history = holdings.Ran?.History is { } ran && ran.Layout == assets.Adapter.Layout && ran.BackTo(command.FromStep)
            ? ran
            : await TakeStateAsync(command, assets);
        await parts.Runtime.Compute.Run(() => Begin(command, assets, history), running.Ended);
        parts.Activity.WaitsFor($"generation {Generation}: waits for its first window");
        parts.Outbox.Post(new WorkerMessage
        {
            GenerationReady = new GenerationReady { Scope = running.Scope, Step = command.FromStep, StateHash = ByteString.CopyFrom(history.At(command.FromStep)!.Hash()) },
        });
    }

    private async Task<AdapterHistory> TakeStateAsync(StartGeneration command, StageAssets assets)
    {
        var layout = assets.Adapter.Layout;
        var sources = StateSources.Of(command.FromStep, layout.Layers.Select(layer => layer.Layer), layer => holdings.Holds(command.FromStep, layer), running.Rank, command.Transfers, holdings.LoadedStep);
        var state = await parts.Runtime.Compute.Run(() => AdapterSnapshot.Allocate(layout, assets.Adapter.Moments.Count), running.Ended);
        try
        {
            var loaded = sources.Any(source => source.Source == StateSource.Loaded) ? await parts.Runtime.Compute.Run(holdings.LoadedState, running.Ended) : null;
            await Task.Run(
                () =>
                {
                    foreach (var (source, layer) in sources.Zip(layout.Layers))
                    {
                        using var piece = PieceOf(source, command.FromStep, loaded);
                        LayerPieces.Put(piece, state, layer);
                    }
                },
                running.Ended);
            state.FilledFor(command.FromStep);
        }
        catch
        {
            state.Dispose();
            throw;
        }

        var history = new AdapterHistory(layout);
        history.Keep(state);
        return history;
    }

    private TensorBuffer PieceOf(LayerSource source, ulong step, AdapterSnapshot? loaded)
    {
        switch (source.Source)
        {
            case StateSource.Held:
                return holdings.Find(step, source.Layer)!;
            case StateSource.Loaded:
                return LayerPieces.Of(loaded!, loaded!.Layout.Layers.First(layer => layer.Layer == source.Layer));
            default:
                parts.Activity.WaitsFor($"generation {Generation}: waits for {running.Peers[(int)source.FromRank].Worker.WorkerId}, state of layer {source.Layer}");
                var received = parts.Peers.Tensors.Take(Key(step, source.FromRank, source.Layer), running.Ended);
                parts.Activity.Does($"generation {Generation}: takes the state of layer {source.Layer}");
                return received.Buffer;
        }
    }

    private void Begin(StartGeneration command, StageAssets assets, AdapterHistory history)
    {
        var spec = assets.Spec;
        holdings.Runs(history);
        assets.Adapter.Restore(history.At(command.FromStep)!);
        assets.ActedStep = command.FromStep;
        var generation = new StageGeneration(
            running.Scope, parts.Self, spec.Place, (int)spec.NumReplicas, (int)spec.NumStages, [.. running.Peers.Select(peer => peer.Worker.WorkerId)],
            running.Link, parts.Peers.Tensors, parts.Peers.Agreements);
        running.Mirror = command.Mirror ? MirrorOf(generation, history) : null;
        running.Executor = new StageExecutor(
            assets, generation, new StepStates(history, running.Mirror, holdings.Verdicts), new AdapterOptimizer(spec.Optimizer), SlotRule.For, ChunkKernels.SumOfSquares, parts.Activity, parts.Outbox.Post);
        running.Gate = new StepGate(command.FromStep, running.Ended);
        running.Checkpoints = new CheckpointWriter(history, spec.Place, running.Scope, parts.Activity, parts.Outbox.Post, failed, jobEnded);
        running.Mirror?.Begin(command.FromStep);
    }

    private StateMirror? MirrorOf(StageGeneration generation, AdapterHistory history)
    {
        var layers = (holdings.Ran!.FirstLayer, holdings.Ran.LastLayer);
        var (kind, partner) = MirrorRule.PartnerOf(generation.Rank, generation.NumReplicas, generation.NumStages);
        switch (kind)
        {
            case MirrorKind.Peer:
                return new PeerMirror(history, running.Link, running.Scope, generation.Rank, partner, layers);
            case MirrorKind.File when holdings.Files is { } files:
                return new FileMirror(history, files, layers, () => parts.Outbox.ReportsOf(running.Scope.Job));
            case MirrorKind.File:
                parts.Logger.NoCacheForStates(running.Scope.Job);
                return null;
            default:
                return null;
        }
    }

    private TensorKey Key(ulong step, uint sender, uint layer) => new(running.Scope.Job, Generation, step, sender, TensorKind.State, layer);
}
