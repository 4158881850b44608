using Orchestrator.Coordinator.Membership;

namespace Orchestrator.Coordinator.Runs;

/// <summary>One rank's place in the layout and the process life that holds it.</summary>
internal sealed record RankPlacement(int Rank, int Replica, int Stage, WorkerKey Worker, int FirstLayer, int LastLayer);
