namespace Orchestrator.Worker.Transfer;

/// <summary>What became of a tensor that arrived.</summary>
internal enum Arrival
{
    Accepted,
    Duplicate,
    Stale,
}
