using Grpc.Net.Client;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Worker.Transfer;

/// <summary>Connections to other workers.</summary>
internal static class PeerChannels
{
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(20);

    /// <summary>A channel of its own to a worker; the caller's to dispose.</summary>
    public static GrpcChannel Open(string address) => DirectChannels.Open(new Uri(address), PingAfter, pingPatience: PingAfter);
}
