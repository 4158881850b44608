using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>An accepted attach stream to one coordinator.</summary>
/// <remarks>Owns the connection. One reader, one writer.</remarks>
internal sealed class CoordinatorConnection : IDisposable
{
    private const int MaxMessageBytes = 256 * 1024 * 1024;
    private readonly CancellationTokenSource _ended;

    private CoordinatorConnection(
        Uri address, GrpcChannel channel, AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> call, AttachAccepted accepted, CancellationTokenSource ended)
    {
        (Address, Channel, Call, Accepted, _ended) = (address, channel, call, accepted, ended);
    }

    public Uri Address { get; }

    public GrpcChannel Channel { get; }

    public AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> Call { get; }

    public AttachAccepted Accepted { get; }

    /// <summary>Opens a stream and waits for the coordinator's answer.</summary>
    /// <param name="address">The coordinator.</param>
    /// <param name="request">Who attaches.</param>
    /// <param name="opening">Bounds the opening.</param>
    /// <exception cref="AttachRefusedException">It does not want this worker.</exception>
    /// <exception cref="RpcException">It could not be reached.</exception>
    public static async Task<CoordinatorConnection> OpenAsync(Uri address, AttachRequest request, CancellationToken opening)
    {
        var ended = new CancellationTokenSource();
        var channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessageBytes,
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                KeepAlivePingDelay = TimeSpan.FromSeconds(5),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            },
        });
        try
        {
            var call = new WorkerAttachment.WorkerAttachmentClient(channel).Attach(cancellationToken: ended.Token);
            await call.RequestStream.WriteAsync(new WorkerMessage { Attach = request }, opening);
            var answer = await call.ResponseStream.MoveNext(opening) ? call.ResponseStream.Current : null;
            return answer?.BodyCase switch
            {
                CoordinatorMessage.BodyOneofCase.Accepted => new CoordinatorConnection(address, channel, call, answer.Accepted, ended),
                CoordinatorMessage.BodyOneofCase.Refused => throw new AttachRefusedException(answer.Refused),
                _ => throw new RpcException(new Status(StatusCode.Unavailable, "The coordinator ended the stream before it answered.")),
            };
        }
        catch
        {
            await ended.CancelAsync();
            ended.Dispose();
            channel.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _ended.Cancel();
        Call.Dispose();
        Channel.Dispose();
        _ended.Dispose();
    }
}

/// <summary>The coordinator does not want this worker; trying again changes nothing.</summary>
internal sealed class AttachRefusedException(Failure failure) : Exception(failure.Message)
{
    public ErrorCode Code { get; } = failure.Code;
}
