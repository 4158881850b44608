namespace Orchestrator.Worker.Transfer;

/// <summary>Takes the mirrored states of another worker as they arrive: nobody waits for them.</summary>
/// <remarks>Thread-safe.</remarks>
internal interface IMirrorKeeper
{
    /// <summary>The most bytes that a tensor may have; null: its sender mirrors nothing here.</summary>
    ulong? LimitOf(in TensorKey key);

    /// <summary>Whether it has come before.</summary>
    bool Knows(in TensorKey key);

    /// <summary>Takes a whole tensor over, whatever becomes of it.</summary>
    Arrival Take(in TensorKey key, ReceivedTensor tensor);
}
