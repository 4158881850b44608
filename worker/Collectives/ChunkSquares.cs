namespace Orchestrator.Worker.Collectives;

/// <summary>The sum of a chunk's squares in fp64, in an order that depends on nothing but the chunk's length.</summary>
internal delegate double ChunkSquares(ReadOnlySpan<float> chunk);
