using System.Runtime.ExceptionServices;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>What the operations of one pass over one part of a micro-batch share.</summary>
/// <remarks>
/// Belongs to one <see cref="StageRun"/>; compute thread only. A backward called by libtorch must not throw through native code: it leaves its exception here and the run
/// throws it afterwards.
/// </remarks>
internal sealed class PassContext
{
    private readonly HashSet<nint> _saved = [];
    private ExceptionDispatchInfo? _failure;

    public PassContext(MicroBatchTokens part, ulong step, uint microBatch, int firstToken, bool training)
    {
        Part = part;
        Rows = RowPadding.RowsOf(part.Tokens);
        Step = step;
        MicroBatch = microBatch;
        FirstToken = firstToken;
        Training = training;
    }

    public MicroBatchTokens Part { get; }

    /// <summary>Rows of the part's matrices in a training or evaluation pass: its tokens, then zeros.</summary>
    public int Rows { get; }

    public ulong Step { get; }

    public uint MicroBatch { get; }

    /// <summary>Where the part begins in its micro-batch: dropout counts elements of the micro-batch.</summary>
    public int FirstToken { get; }

    /// <summary>False: no dropout.</summary>
    public bool Training { get; }

    /// <summary>[rows, head_dim] cosines and sines while a forward or backward runs.</summary>
    public torch.Tensor? Angles { get; set; }

    /// <summary>Takes the place of a layer's own attention in a forward that goes on with sequences whose keys and values are kept: from the layer's attention and [tokens, q k v]
    /// to [tokens, heads * head_dim]. Null: each sample attends to itself.</summary>
    public Func<CausalAttention, torch.Tensor, torch.Tensor>? Attend { get; set; }

    /// <summary>Where a backward adds adapter gradients: a flat buffer of sums.</summary>
    public torch.Tensor? FlatGradient { get; set; }

    /// <summary>False while the model's first layer runs backward: nothing reads the gradient of its input.</summary>
    public bool InputGradientNeeded { get; set; } = true;

    /// <summary>Bytes that the graph keeps for backward, each storage counted once.</summary>
    public long SavedBytes { get; private set; }

    /// <summary>Lets the graph keep tensors for backward.</summary>
    public void Save(torch.autograd.AutogradContext context, params List<torch.Tensor> tensors)
    {
        context.save_for_backward(tensors);
        foreach (var tensor in tensors)
        {
            if (tensor.device_type != DeviceType.CPU || _saved.Add(Address(tensor)))
            {
                SavedBytes += tensor.numel() * tensor.element_size();
            }
        }
    }

    /// <summary>Runs a backward and keeps its exception; the engine then goes on with zeros.</summary>
    /// <remarks>
    /// What <paramref name="backward"/> closes over lives until it returns. TorchSharp hands libtorch bare addresses, so a tensor that nothing holds any more may be collected while libtorch reads it;
    /// mostly the thread's dispose scope holds it, but on a card libtorch calls from a thread of its own, which has none.
    /// </remarks>
    public torch.Tensor Guard(torch.Tensor like, Func<torch.Tensor> backward)
    {
        if (_failure is null)
        {
            try
            {
                return backward();
            }
            catch (Exception failure)
            {
                _failure = ExceptionDispatchInfo.Capture(failure);
            }
            finally
            {
                GC.KeepAlive(backward);
            }
        }

        return torch.zeros_like(like);
    }

    /// <summary>Throws what a backward kept.</summary>
    public void ThrowIfFailed() => _failure?.Throw();

    private static unsafe nint Address(torch.Tensor tensor) => (nint)TensorMemory.Pointer(tensor);
}
