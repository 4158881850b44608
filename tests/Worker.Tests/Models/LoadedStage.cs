using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>A stage with its adapter state, on the CPU.</summary>
internal sealed class LoadedStage : IDisposable
{
    public LoadedStage(StageSpec spec, IProgress<StageLoadProgress>? progress = null, BaseLoad? baseLoad = null)
    {
        Adapter = AdapterState.Create(spec, torch.CPU);
        Model = StageModel.Load(spec, torch.CPU, Adapter, progress, baseLoad, TestContext.Current.CancellationToken);
    }

    public AdapterState Adapter { get; }

    public StageModel Model { get; }

    /// <summary>Logits [tokens, vocabulary] of a whole model, part after part.</summary>
    public float[] Logits(MicroBatchTokens batch)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var head = Model.Head!;
        var logits = batch.Parts().Select(part => torch.mm(head.Norm.Forward(Model.ForwardOnly(part, null, Model.Layers.Count)), head.Weight().t()));
        return torch.cat(logits.ToList(), 0).to_type(torch.ScalarType.Float32).data<float>().ToArray();
    }

    /// <summary>Forward and backward of one micro-batch of a whole model; the flat gradient.</summary>
    public (float[] Gradient, double LossSum) Gradients(MicroBatchTokens batch, float lossScale, ulong step = 1, uint microBatch = 0)
    {
        using var gradient = Adapter.NewGradient();
        using var run = Model.BeginTraining(batch, step, microBatch, lossScale);
        Assert.Null(run.Forward(null));
        Assert.Null(run.Backward(null, gradient));
        return (Rounded(gradient), run.LossSum);
    }

    /// <summary>A flat gradient's sums, rounded to fp32 as the reduction does.</summary>
    public static float[] Rounded(torch.Tensor gradient)
    {
        using var rounded = gradient.to_type(torch.ScalarType.Float32);
        return rounded.data<float>().ToArray();
    }

    public void Dispose()
    {
        Model.Dispose();
        Adapter.Dispose();
    }
}
