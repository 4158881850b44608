namespace Orchestrator.Worker.Commit;

/// <summary>What became of a message of an agreement.</summary>
internal enum Receipt
{
    Taken,

    /// <summary>It came before, and is the same.</summary>
    Repeated,

    /// <summary>Of another generation, step or worker, or of one that may not say this now: dropped.</summary>
    Refused,
}
