namespace Orchestrator.Worker.Models;

/// <summary>First row and column of a block of a matrix.</summary>
internal readonly record struct BlockPlace(long Row, long Column);
