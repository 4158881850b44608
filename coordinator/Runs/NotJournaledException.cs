namespace Orchestrator.Coordinator.Runs;

/// <summary>The journal of a job could not take what was asked for; nothing has happened.</summary>
internal sealed class NotJournaledException(NotJournaled answer) : Exception(answer.Reason)
{
    /// <summary>Another coordinator has the job: asking again reaches it.</summary>
    public bool TakenOver { get; } = answer.TakenOver;
}
