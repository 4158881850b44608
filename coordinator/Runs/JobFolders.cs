namespace Orchestrator.Coordinator.Runs;

/// <summary>The storage roots that jobs use on this node.</summary>
/// <param name="Data">Prepared splits, named by their digest.</param>
/// <param name="Jobs">A folder a job, for what workers save.</param>
/// <param name="Stages">Quantized stages.</param>
internal sealed record JobFolders(string Data, string Jobs, string Stages);
