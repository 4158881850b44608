using Grpc.Net.Client;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Worker.Sessions;

/// <summary>Connections to a coordinator.</summary>
internal static class CoordinatorChannels
{
    private const int MaxMessageBytes = 256 * 1024 * 1024;
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PingPatience = TimeSpan.FromSeconds(10);

    /// <summary>A channel of its own; the caller's to dispose.</summary>
    public static GrpcChannel Open(Uri address) => DirectChannels.Open(address, PingAfter, PingPatience, MaxMessageBytes);
}
