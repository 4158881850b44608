using Microsoft.Extensions.Logging;
using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>What every job on this worker shares.</summary>
internal sealed record WorkerParts(WorkerIdentity Self, WorkerRuntime Runtime, PeerServer Peers, ShardStore Shards, Outbox Outbox, StageActivity Activity, ILogger Logger);
