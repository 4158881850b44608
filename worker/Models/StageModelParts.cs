namespace Orchestrator.Worker.Models;

/// <summary>What loading a stage gives; <paramref name="Owned"/> frees all of it.</summary>
internal sealed record StageModelParts(
    TokenEmbedding? Embedding,
    IReadOnlyList<DecoderLayer> Layers,
    LossHead? Head,
    RotaryTable Rotary,
    IReadOnlyList<IDisposable> Owned,
    BaseSources Sources,
    ulong ResidentBytes);
