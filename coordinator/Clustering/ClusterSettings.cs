namespace Orchestrator.Coordinator.Clustering;

/// <summary>Where this node of the cluster keeps its journal and listens.</summary>
/// <param name="JournalPath">The SQLite file; made if it is missing, its folder too.</param>
/// <param name="Hostname">Address of remoting.</param>
/// <param name="Port">Port of remoting; 0: any free one.</param>
internal sealed record ClusterSettings(string JournalPath, string Hostname = "127.0.0.1", int Port = 0);
