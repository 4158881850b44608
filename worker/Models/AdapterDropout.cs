using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Dropout of one module's adapter input: an element is kept and scaled by 1 / (1 - p), or zero.</summary>
/// <remarks>
/// The mask is a function of (seed, step, micro-batch, module, element of the micro-batch), so a backward and a recomputation make it again, on any layout, and nothing is kept.
/// Compute thread only.
/// </remarks>
internal sealed class AdapterDropout
{
    private readonly ulong _seed;
    private readonly uint _module;
    private readonly double _probability;

    public AdapterDropout(ulong seed, uint module, double probability)
    {
        if (probability is not (> 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "Dropout lies between 0 and 1.");
        }

        (_seed, _module, _probability) = (seed, module, probability);
    }

    /// <summary>A new tensor: the values times the mask.</summary>
    /// <param name="values">[tokens, features], contiguous.</param>
    /// <param name="pass">Names step, micro-batch and first token.</param>
    public torch.Tensor Apply(torch.Tensor values, PassContext pass)
    {
        using var scope = torch.NewDisposeScope();
        var host = torch.empty(values.shape, torch.ScalarType.Float32);
        Fill(host, pass);
        var mask = host.to(values.device);
        return values.mul(mask).to_type(values.dtype).MoveToOuterDisposeScope();
    }

    private unsafe void Fill(torch.Tensor mask, PassContext pass)
    {
        var stream = new RandomStream(_seed, RandomPurpose.Dropout, pass.Step, pass.MicroBatch, _module);
        DropoutMask.Fill(stream, (ulong)pass.FirstToken * (ulong)mask.shape[1], mask.numel(), _probability, DType.F32, TensorMemory.Pointer(mask));
    }
}
