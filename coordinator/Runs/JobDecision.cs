namespace Orchestrator.Coordinator.Runs;

/// <summary>What a message leads to.</summary>
/// <param name="Record">The record after the events.</param>
/// <param name="Session">The session after the message.</param>
/// <param name="Events">To be persisted first, in one write.</param>
/// <param name="Effects">To be done once the events are persisted, in order.</param>
/// <param name="Note">A line for the run's log; null: nothing to say.</param>
internal sealed record JobDecision(
    JobRecord Record, JobSession Session, IReadOnlyList<IJobEvent> Events, IReadOnlyList<JobEffect> Effects, string? Note)
{
    /// <summary>An error of the program that led to this, for the log; null: none.</summary>
    public Exception? Fault { get; init; }
}
