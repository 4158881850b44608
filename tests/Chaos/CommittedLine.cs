namespace Orchestrator.Chaos;

/// <summary>A step of metrics.jsonl, its numbers as they were written.</summary>
internal sealed record CommittedLine(int Step, string Loss, string GradNorm);
