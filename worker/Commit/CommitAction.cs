using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Commit;

/// <summary>What a worker has to do next for an agreement to go on.</summary>
internal enum CommitActionKind
{
    /// <summary>Form its own vote: compute the step, or run the evaluation.</summary>
    FormVote,

    /// <summary>Wait for a child's vote.</summary>
    TakeVote,

    /// <summary>Wait until the state it acted on last is mirrored.</summary>
    AwaitMirror,

    /// <summary>Rank 0: decide.</summary>
    Decide,

    /// <summary>Deliver its merged vote to its parent.</summary>
    Cast,

    /// <summary>Wait for the parent's verdict.</summary>
    TakeVerdict,

    /// <summary>Deliver the verdict to its children.</summary>
    Announce,

    /// <summary>Act on the verdict: nothing else is left to do.</summary>
    Act,
}

/// <summary>One thing to be done for an agreement, as data.</summary>
/// <param name="Kind">What.</param>
/// <param name="Rank">The other worker, where one is waited for; else this one.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CommitAction(CommitActionKind Kind, uint Rank);
