namespace Orchestrator.Protos.Faults;

/// <summary>A moment at which a process may die in a test: on one side of it something is done, on the other it is not.</summary>
public enum FaultPoint
{
    /// <summary>A worker: its vote on the step, with those of its subtree, is formed and not cast; rank 0: not decided on.</summary>
    Vote,

    /// <summary>A worker: the verdict is passed on to its children, and not acted on.</summary>
    Apply,

    /// <summary>A worker: the step is acted on and kept, and not handed to the mirror.</summary>
    Mirror,

    /// <summary>A worker: a layer's blob of a checkpoint is written, and has no name yet.</summary>
    BlobWrite,

    /// <summary>The coordinator: all blobs of a checkpoint are durable, and its manifest is not written.</summary>
    Manifest,

    /// <summary>The coordinator: the manifest is durable, and the checkpoints that it makes superfluous are not deleted.</summary>
    ManifestWritten,

    /// <summary>The coordinator: a decision is made, and its events are not in the journal.</summary>
    JournalWrite,

    /// <summary>The coordinator: a window is in the journal, and no worker was told of it.</summary>
    WindowOpen,
}
