namespace Orchestrator.Coordinator.Runs;

/// <summary>The storage roots that jobs use on this node.</summary>
/// <param name="Data">Prepared splits, named by their digest.</param>
/// <param name="Stages">The cache of workers on this node: quantized stages, and the states of one that is alone in its job.</param>
internal sealed record JobFolders(string Data, string Stages);
