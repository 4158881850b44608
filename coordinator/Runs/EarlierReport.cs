using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A report of a step that a later generation runs again.</summary>
internal sealed record EarlierReport(RankPlacement Rank, StepReport Report);
