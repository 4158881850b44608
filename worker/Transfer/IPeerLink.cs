using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>The way to the other workers of one generation of one job.</summary>
/// <remarks>
/// Nothing here waits for the other side: what is handed over is delivered in the background, repeated over broken connections, and a
/// duplicate is dropped where it arrives. When a peer stays away the generation ends, not the call.
/// </remarks>
internal interface IPeerLink
{
    /// <summary>Bytes of tensors handed over so far.</summary>
    ulong BytesSent { get; }

    /// <summary>Sends a tensor and takes one ownership of <paramref name="buffer"/> over.</summary>
    /// <param name="receiver">Rank of the receiver.</param>
    /// <param name="key">The tensor.</param>
    /// <param name="dtype">Its element type.</param>
    /// <param name="buffer">Its bytes.</param>
    /// <param name="received">Called once when the receiver has it whole, from any thread, quickly; never if the generation ends before.</param>
    void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null);

    /// <summary>Delivers a vote to the parent in the vote tree.</summary>
    void Cast(uint parent, StepVote vote);

    /// <summary>Delivers a verdict to a child in the vote tree.</summary>
    void Announce(uint child, StepVerdict verdict);
}
