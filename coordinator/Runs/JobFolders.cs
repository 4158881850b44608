namespace Orchestrator.Coordinator.Runs;

/// <summary>The storage roots that jobs use on this node.</summary>
/// <param name="Data">Prepared splits, named by their digest.</param>
/// <param name="Stages">Quantized stages.</param>
internal sealed record JobFolders(string Data, string Stages);
