using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>A worker that could take part.</summary>
internal sealed record CandidateWorker(string WorkerId, NumericClass Class);
