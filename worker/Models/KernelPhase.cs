namespace Orchestrator.Worker.Models;

/// <summary>The kinds of work of a pass, for a profile.</summary>
internal enum KernelPhase
{
    None,
    Dequantize,
    BaseProducts,
    Lora,
    Attention,
    Norms,
    SwiGlu,
    ResidualSums,
    Embedding,
    HeadProducts,
    CrossEntropy,

    /// <summary>A layer's forward outside of the kinds above: nodes of the graph, what they save, handles.</summary>
    GraphForward,

    /// <summary>A layer's backward outside of the kinds above: the autograd engine, sums of residual gradients, memory given back.</summary>
    GraphBackward,
}
