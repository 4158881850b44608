namespace Orchestrator.Worker.Sessions;

/// <summary>Where token shards are fetched from: the coordinator that a command came from, whose attach stream may break meanwhile.</summary>
/// <param name="Coordinator">Its address.</param>
/// <param name="Credential">Proves this worker.</param>
internal sealed record ShardOrigin(Uri Coordinator, string Credential);
