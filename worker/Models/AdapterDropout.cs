using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Dropout of one module's adapter input: an element is kept and scaled by 1 / (1 - p), or zero.</summary>
/// <remarks>
/// The mask is a function of (seed, step, micro-batch, module, element of the micro-batch), so a backward and a recomputation make it again, on any layout, and nothing is kept.
/// One thread a micro-batch.
/// </remarks>
internal sealed class AdapterDropout
{
    private const int ElementsAtOnce = 16_384;

    private readonly ulong _seed;
    private readonly uint _module;
    private readonly uint _threshold;
    private readonly float _factor;

    public AdapterDropout(ulong seed, uint module, double probability)
    {
        if (probability is not (> 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "Dropout lies between 0 and 1.");
        }

        (_seed, _module) = (seed, module);
        _threshold = (uint)Math.Min(Math.Round(probability * 4294967296.0), uint.MaxValue);
        _factor = (float)(1.0 / (1.0 - probability));
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
        var first = (ulong)pass.FirstToken * (ulong)mask.shape[1];
        var count = mask.numel();
        var target = (nint)TensorMemory.Pointer(mask);
        KernelParallel.For((count + ElementsAtOnce - 1) / ElementsAtOnce, 1, (from, to) =>
        {
            for (var start = from * ElementsAtOnce; start < Math.Min(count, to * ElementsAtOnce); start += ElementsAtOnce)
            {
                var words = new Span<uint>((uint*)target + start, (int)Math.Min(ElementsAtOnce, count - start));
                PhiloxFill.Words(stream, first + (ulong)start, words);
                foreach (ref var word in words)
                {
                    word = BitConverter.SingleToUInt32Bits(word >= _threshold ? _factor : 0f);
                }
            }
        });
    }
}
