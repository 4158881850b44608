namespace Orchestrator.Chaos;

/// <summary>A line of events.jsonl.</summary>
internal sealed record RunEvent(DateTimeOffset Time, string Name, int Generation, int Step, string? Worker, string? Reason, double LostWorkerSeconds, int StepsRepeated);
