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

    /// <summary>A layer's forward outside of the kinds above: handles and scopes.</summary>
    LayerForward,

    /// <summary>A layer's backward outside of the kinds above: memory given back.</summary>
    LayerBackward,
}
