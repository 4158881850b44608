using Grpc.Net.Client;

namespace Orchestrator.Protos.Resilience;

/// <summary>gRPC connections from one process of a cluster straight to another: a proxy of the environment, which knows neither loopback nor pods, never stands between.</summary>
public static class DirectChannels
{
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    /// <summary>A channel of its own; the caller's to dispose.</summary>
    /// <param name="address">Scheme, host and port.</param>
    /// <param name="pingAfter">Silence after which the other side is asked whether it lives.</param>
    /// <param name="pingPatience">How long it may take to answer; then the connection is broken.</param>
    /// <param name="maxMessageBytes">The largest message that is taken; null: gRPC's own limit of 4 MiB.</param>
    public static GrpcChannel Open(Uri address, TimeSpan pingAfter, TimeSpan pingPatience, int? maxMessageBytes = null)
    {
        var options = new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            // A deadline that passed must look like one to the pipelines, which then try again.
            ThrowOperationCanceledOnCancellation = true,
            HttpHandler = new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                UseProxy = false,
                ConnectTimeout = ConnectPatience,
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                KeepAlivePingDelay = pingAfter,
                KeepAlivePingTimeout = pingPatience,
            },
        };
        if (maxMessageBytes is not null)
        {
            options.MaxReceiveMessageSize = maxMessageBytes;
        }

        return GrpcChannel.ForAddress(address, options);
    }
}
