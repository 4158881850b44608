namespace Orchestrator.Coordinator.Placement;

/// <summary>One stage of one replica on one worker. Layers count from 0, the last one is inclusive; rank = replica * stages + stage.</summary>
internal sealed record PlannedStage(int Rank, int Replica, int Stage, string WorkerId, int FirstLayer, int LastLayer, bool Embedding, bool Head);
