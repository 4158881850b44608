using Grpc.Net.Client;

namespace Orchestrator.Worker.Transfer;

/// <summary>Connections to other workers.</summary>
internal static class PeerChannels
{
    /// <summary>A channel of its own to a worker; the caller's to dispose.</summary>
    public static GrpcChannel Open(string address) => GrpcChannel.ForAddress(address, new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        // A deadline that passed must look like one to the pipelines, which then try again.
        ThrowOperationCanceledOnCancellation = true,
        HttpHandler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
        },
    });
}
