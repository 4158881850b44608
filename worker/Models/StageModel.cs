using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>One stage of a model in memory: its frozen layers, and the embedding and the head where it has them.</summary>
/// <remarks>
/// Knows nothing of replicas, peers or schedules. Weights never change; the adapter belongs to <see cref="AdapterState"/>, whose values every run reads when it runs. Several <see cref="StageRun"/>s may be open at
/// once. Called on the compute thread; where <see cref="ThreadsAMicroBatch"/> is 1, runs and evaluations of different micro-batches also on different threads at once.
/// </remarks>
internal sealed class StageModel : IDisposable
{
    private readonly StageModelParts _parts;
    private readonly AdapterState _adapter;

    private StageModel(StageSpec spec, StageModelParts parts, AdapterState adapter, Device device)
    {
        (Spec, _parts, _adapter) = (spec, parts, adapter);
        ThreadsAMicroBatch = MicroBatchThreads.Of(spec.Model, ElementTypes.ToComputeType(spec.Constants.ComputeDtype), device);
    }

    public StageSpec Spec { get; }

    /// <summary>Threads over which a micro-batch's operations are cut, whatever the calling thread's team is.</summary>
    public int ThreadsAMicroBatch { get; }

    /// <summary>Micro-batches at once that make use of all threads.</summary>
    public int MicroBatchesAtOnce => NumericEnvironment.Threads / ThreadsAMicroBatch;

    /// <summary>Where the weights' bytes came from.</summary>
    public BaseSources Sources => _parts.Sources;

    /// <summary>Bytes that the frozen weights and the weight buffer take.</summary>
    public ulong ResidentBytes => _parts.ResidentBytes;

    internal TokenEmbedding? Embedding => _parts.Embedding;

    internal IReadOnlyList<DecoderLayer> Layers => _parts.Layers;

    internal LossHead? Head => _parts.Head;

    internal RotaryTable Rotary => _parts.Rotary;

    /// <summary>Loads a stage layer by layer.</summary>
    /// <param name="spec">What the stage holds.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="adapter">The stage's adapter state: made for the same spec, alive as long as the model.</param>
    /// <param name="progress">Told after every layer; may be null.</param>
    /// <param name="baseLoad">The way to quantized weights that are cached; null: all are read from the model's files.</param>
    /// <param name="cancellationToken">Looked at between layers.</param>
    /// <exception cref="WorkerFaultException">A slice is missing, unreadable, short or of the wrong shape: the message names file and tensor.</exception>
    public static StageModel Load(StageSpec spec, Device device, AdapterState adapter, IProgress<StageLoadProgress>? progress = null, BaseLoad? baseLoad = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(spec.Constants.AttentionBlock, nameof(spec));
        ArgumentOutOfRangeException.ThrowIfZero(spec.Constants.LossChunkTokens, nameof(spec));
        using var loader = new StageLoader(spec, device, adapter, baseLoad);
        return new StageModel(spec, loader.Load(progress, cancellationToken), adapter, device);
    }

    /// <summary>Opens a training pass of one micro-batch: forward, then backward.</summary>
    /// <param name="batch">Its tokens.</param>
    /// <param name="step">Optimizer step, from 1: a counter of dropout.</param>
    /// <param name="microBatch">Index in the step's whole list: a counter of dropout.</param>
    /// <param name="lossScale">1 / label tokens of the global batch.</param>
    public StageRun BeginTraining(MicroBatchTokens batch, ulong step, uint microBatch, float lossScale)
        => new(this, _adapter, batch, step, microBatch, lossScale);

    /// <summary>Runs one micro-batch forward without dropout and without keeping anything.</summary>
    /// <param name="batch">Its tokens.</param>
    /// <param name="residualIn">[tokens, hidden] from the stage before, the caller's to dispose; null on an embedding stage.</param>
    /// <param name="withLogProbabilities">Whether each label's log-probability is wanted.</param>
    public StageEvaluation Evaluate(MicroBatchTokens batch, Tensor? residualIn, bool withLogProbabilities = false)
    {
        using var team = ThreadTeam.Of(ThreadsAMicroBatch);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var outputs = new List<Tensor>();
        var losses = new List<SampleEvaluation>();
        var start = 0;
        foreach (var part in batch.Parts())
        {
            var x = ForwardOnly(part, residualIn?.narrow(0, start, part.Tokens), Layers.Count);
            start += part.Tokens;
            if (Head is null)
            {
                outputs.Add(x);
            }
            else
            {
                using (x)
                {
                    losses.AddRange(Head.Evaluate(x, part, withLogProbabilities));
                }
            }
        }

        return Head is null
            ? new StageEvaluation((outputs.Count == 1 ? outputs[0] : cat(outputs, 0)).MoveToOuterDisposeScope(), losses)
            : new StageEvaluation(null, losses);
    }

    /// <summary>The residual stream after the first <paramref name="layers"/> layers of this stage, for one part; the caller's scope owns it.</summary>
    internal Tensor ForwardOnly(MicroBatchTokens part, Tensor? residualIn, int layers)
    {
        using var scope = NewDisposeScope();
        var pass = new PassContext(part, 0, 0, 0, training: false) { Angles = Rotary.AnglesOf(part.Lengths, RowPadding.RowsOf(part.Tokens)) };
        var x = FirstInput(pass, residualIn);
        for (var i = 0; i < layers; i++)
        {
            var next = Layers[i].Forward(x, pass);
            x.Dispose();
            x = next;
        }

        return RowPadding.Cut(x, part.Tokens).MoveToOuterDisposeScope();
    }

    /// <summary>[rows, hidden], what the first layer reads; the caller's scope owns it.</summary>
    internal Tensor FirstInput(PassContext pass, Tensor? residualIn)
    {
        var own = Embedding is null ? residualIn ?? throw new ArgumentNullException(nameof(residualIn)) : Embedding.Forward(pass.Part.InputIds);
        return RowPadding.Extend(own, pass.Rows);
    }

    public void Dispose()
    {
        foreach (var item in _parts.Owned.Reverse())
        {
            item.Dispose();
        }
    }
}
