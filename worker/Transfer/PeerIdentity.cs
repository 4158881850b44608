using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Transfer;

/// <summary>Who a peer says it is: a rank of a job's generation.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PeerIdentity(string Job, ulong Generation, uint Rank);
