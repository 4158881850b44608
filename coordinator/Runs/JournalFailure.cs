using Microsoft.Data.Sqlite;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Why an event could not be persisted, in a sentence for those who wait for the job.</summary>
internal static class JournalFailure
{
    private const int SqliteIoError = 10;
    private const int SqliteFull = 13;
    private const int SqliteConstraint = 19;

    /// <summary>Whether another entity of the same job has written: the job goes on there, and nothing is wrong with it.</summary>
    public static bool IsSecondWriter(Exception cause) => cause.GetBaseException() is SqliteException { SqliteErrorCode: SqliteConstraint };

    /// <param name="cause">What the journal threw.</param>
    /// <param name="eventName">What could not be persisted.</param>
    /// <param name="output">The run's folder; empty before it is known.</param>
    public static string Sentence(Exception cause, string eventName, string output) => cause.GetBaseException() switch
    {
        SqliteException { SqliteErrorCode: SqliteIoError or SqliteFull } full when output.Length > 0 => RunFolder.Sentence(output, full),
        var failure => $"The job's journal could not take {eventName} ({failure.Message.TrimEnd('.')}), so the job has stopped: see that the journal's disk has room and that no other program holds it, then start the job again.",
    };

    /// <summary>The sentence of an event that the journal will never take.</summary>
    public static string Refusal(Exception cause, string eventName) =>
        $"The job's journal refused {eventName}, so the job cannot go on: {cause.GetBaseException().Message}";
}
