namespace Orchestrator.Coordinator.Cli;

/// <summary>What the end of a worker process is followed by: another life after a wait, or giving up.</summary>
internal sealed record RestartDecision(RestartHistory Next, TimeSpan Delay, bool GiveUp);
