using Microsoft.Extensions.Logging;
using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>What every job on this worker shares.</summary>
/// <param name="Self">This process life.</param>
/// <param name="Runtime">Device and compute thread.</param>
/// <param name="Peers">Where other workers reach this one.</param>
/// <param name="Shards">Token shards.</param>
/// <param name="Outbox">What coordinators are told.</param>
/// <param name="Activity">What heartbeats say.</param>
/// <param name="Logger">The log.</param>
/// <param name="Base">Quantized weights of base models that outlive the process; null: there is no place for them.</param>
/// <param name="Cache">Folder that outlives the process; null: there is none.</param>
internal sealed record WorkerParts(WorkerIdentity Self, WorkerRuntime Runtime, PeerServer Peers, ShardStore Shards, Outbox Outbox, StageActivity Activity, ILogger Logger, BaseWeightCache? Base = null, string? Cache = null);
