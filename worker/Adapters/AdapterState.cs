using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Adapters;

/// <summary>The trainable state of one stage: LoRA parameters and optimizer moments, each one flat fp32 buffer.</summary>
/// <remarks>
/// Owned by the stage; used on the compute thread only. <see cref="A"/> and <see cref="B"/> are leaf tensors that require grad
/// and share the flat buffer's memory, so an optimizer step on <see cref="Parameters"/> is seen by them at once; none of the
/// tensors handed out here is the caller's to dispose, except those of <see cref="NewGradient"/>.
/// </remarks>
internal sealed class AdapterState : IDisposable
{
    private readonly Dictionary<uint, (torch.Tensor A, torch.Tensor B)> _views = [];

    private AdapterState(AdapterLayout layout, DType gradientSums, torch.Tensor parameters, IReadOnlyList<torch.Tensor> moments)
    {
        Layout = layout;
        GradientSums = gradientSums;
        Parameters = parameters;
        Moments = moments;
    }

    public AdapterLayout Layout { get; }

    /// <summary>What gradients are summed in: fp64 where the job multiplies in fp32, else fp32; the reduced gradient is fp32 always.</summary>
    /// <remarks>
    /// A sum of a few hundred fp32 values is exact in fp64, but for the rarest: how samples are packed into micro-batches, which decides what is added to what first, then changes no bit of an fp32 job.
    /// </remarks>
    public DType GradientSums { get; }

    /// <summary>fp32 [Layout.NumElements] on the stage's device.</summary>
    public torch.Tensor Parameters { get; }

    /// <summary>Shaped like <see cref="Parameters"/>: AdamW first then second moment, SGD with momentum its buffer, else none.</summary>
    public IReadOnlyList<torch.Tensor> Moments { get; }

    /// <summary>Allocates and initializes the state of a stage on a device.</summary>
    /// <exception cref="WorkerFaultException">An initial value cannot be read, or is not what its slice says.</exception>
    public static AdapterState Create(StageSpec stage, torch.Device device)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var layout = AdapterLayout.Create(stage.Adapter, stage.Constants.ChunkElements);
        var host = torch.zeros(layout.NumElements, torch.float32);
        foreach (var parameter in layout.Parameters)
            AdapterInitialization.Fill(parameter, stage.Constants.Seed, host);
        var parameters = host.to(device);
        var moments = Enumerable.Range(0, NumMoments(stage)).Select(_ => torch.zeros(layout.NumElements, torch.float32, device)).ToList();
        var sums = stage.Constants.ComputeDtype == DType.F32 ? DType.F64 : DType.F32;
        var state = new AdapterState(layout, sums, parameters.DetachFromDisposeScope(), moments);
        moments.ForEach(moment => moment.DetachFromDisposeScope());
        foreach (var module in stage.Adapter)
            state._views.Add(module.Index, (state.LeafView(layout[module.Index, true], stage.Training), state.LeafView(layout[module.Index, false], stage.Training)));
        return state;
    }

    /// <summary>How many moment buffers a stage's optimizer keeps.</summary>
    public static int NumMoments(StageSpec stage) => stage switch
    {
        { Training: false } => 0,
        { Optimizer.Kind: OptimizerKind.Adamw } => 2,
        { Optimizer: { Kind: OptimizerKind.Sgd, Momentum: not 0 } } => 1,
        _ => 0,
    };

    /// <summary>lora_A [r, in] of a module by its index; a leaf that requires grad in training.</summary>
    public torch.Tensor A(uint moduleIndex) => _views[moduleIndex].A;

    /// <summary>lora_B [out, r] of a module by its index; a leaf that requires grad in training.</summary>
    public torch.Tensor B(uint moduleIndex) => _views[moduleIndex].B;

    /// <summary><see cref="GradientSums"/> as libtorch names it.</summary>
    public torch.ScalarType SumType => GradientSums == DType.F64 ? torch.ScalarType.Float64 : torch.ScalarType.Float32;

    /// <summary>A new zeroed flat buffer for sums of gradients, of dtype <see cref="GradientSums"/>; the caller's to dispose.</summary>
    public torch.Tensor NewGradient() => torch.zeros(Layout.NumElements, SumType, Parameters.device);

    /// <summary>A new zeroed flat buffer for a reduced gradient, fp32; the caller's to dispose.</summary>
    public torch.Tensor NewReducedGradient() => torch.zeros_like(Parameters);

    /// <summary>A view of one parameter's part of a flat buffer, in the parameter's shape; the caller's to dispose.</summary>
    public static torch.Tensor ViewOf(torch.Tensor flat, AdapterParameter parameter)
    {
        using var part = flat.narrow(0, parameter.Offset, parameter.Length);
        return part.view([.. parameter.Shape]);
    }

    /// <summary>Copies the state of a step into host memory, into <paramref name="reuse"/> where one is given.</summary>
    public AdapterSnapshot Snapshot(ulong step, AdapterSnapshot? reuse = null)
    {
        using var noGrad = torch.no_grad();
        var snapshot = reuse ?? AdapterSnapshot.Allocate(Layout, Moments.Count);
        snapshot.CopyFrom(this, step);
        return snapshot;
    }

    /// <summary>Takes the values of a snapshot, which is of the same layout.</summary>
    public void Restore(AdapterSnapshot snapshot)
    {
        using var noGrad = torch.no_grad();
        Parameters.copy_(snapshot.Parameters);
        for (var i = 0; i < Moments.Count; i++)
            Moments[i].copy_(snapshot.Flats[1 + i]);
    }

    /// <summary>The 128-bit checksum over the bits of parameters and moments: the sum of the layers', whatever stages they are cut into.</summary>
    public byte[] Hash()
    {
        var host = Moments.Prepend(Parameters).Select(flat => flat.cpu()).ToArray();
        try
        {
            return LayerStates.HashOf(Layout, host).ToBytes();
        }
        finally
        {
            Array.ForEach(host, flat => flat.Dispose());
        }
    }

    public void Dispose()
    {
        foreach (var (a, b) in _views.Values)
        {
            a.Dispose();
            b.Dispose();
        }

        _views.Clear();
        Parameters.Dispose();
        foreach (var moment in Moments)
            moment.Dispose();
    }

    private torch.Tensor LeafView(AdapterParameter parameter, bool requiresGrad)
    {
        using var view = ViewOf(Parameters, parameter);
        var leaf = view.detach();
        leaf.requires_grad_(requiresGrad);
        return leaf.DetachFromDisposeScope();
    }
}
