namespace Orchestrator.Worker.Models;

/// <summary>What a decoder layer is made of.</summary>
internal sealed record DecoderLayerParts(
    RmsNorm InputNorm,
    ProjectionGroup AttentionInput,
    CausalAttention Attention,
    ProjectionGroup AttentionOutput,
    RmsNorm MlpNorm,
    ProjectionGroup GateUp,
    ProjectionGroup Down);
