using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>What the operations of one pass over one part of a micro-batch share.</summary>
/// <remarks>Belongs to one <see cref="StageRun"/>; one thread at a time.</remarks>
internal sealed class PassContext
{
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
}
