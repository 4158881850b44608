using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Transfer;

/// <summary>A call between two workers of a generation that was let in.</summary>
/// <param name="Sender">Who calls.</param>
/// <param name="Receiver">This worker's rank in the same generation.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PeerCall(PeerIdentity Sender, uint Receiver);
