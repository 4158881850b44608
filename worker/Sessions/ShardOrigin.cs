using Grpc.Net.Client;

namespace Orchestrator.Worker.Sessions;

/// <summary>Where token shards are fetched from: the coordinator that a command came from.</summary>
/// <param name="Channel">The way to it.</param>
/// <param name="Credential">Proves this worker.</param>
internal sealed record ShardOrigin(GrpcChannel Channel, string Credential);
