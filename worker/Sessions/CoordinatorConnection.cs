using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>An accepted attach stream to one coordinator.</summary>
/// <remarks>
/// Owns the connection. One reader; any thread may write. Giving up a wait here leaves the stream whole: only <see cref="Abort"/> and Dispose end it,
/// so that a worker that is told to end can still say so.
/// </remarks>
internal sealed class CoordinatorConnection : IDisposable
{
    // Less than the patience with which a worker is ended from outside.
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(1);

    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> _call;
    private readonly CancellationTokenSource _ended;
    private readonly SemaphoreSlim _writing = new(1);
    private Task<CoordinatorMessage?>? _reading;

    private CoordinatorConnection(
        Uri address, GrpcChannel channel, AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> call, AttachAccepted accepted, CancellationTokenSource ended)
    {
        (Address, _channel, _call, Accepted, _ended) = (address, channel, call, accepted, ended);
    }

    public Uri Address { get; }

    public AttachAccepted Accepted { get; }

    /// <summary>Where jobs' token shards are fetched from.</summary>
    public ShardOrigin Shards => new(Address, Accepted.Credential);

    /// <summary>Opens a stream and waits for the coordinator's answer.</summary>
    /// <param name="address">The coordinator.</param>
    /// <param name="request">Who attaches.</param>
    /// <param name="opening">Bounds the opening.</param>
    /// <exception cref="AttachRefusedException">It does not want this worker.</exception>
    /// <exception cref="RpcException">It could not be reached.</exception>
    public static async Task<CoordinatorConnection> OpenAsync(Uri address, AttachRequest request, CancellationToken opening)
    {
        var ended = new CancellationTokenSource();
        var channel = CoordinatorChannels.Open(address);
        try
        {
            var call = new WorkerAttachment.WorkerAttachmentClient(channel).Attach(cancellationToken: ended.Token);
            var answer = await AskAsync(call, request, opening);
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

    private static async Task<CoordinatorMessage?> AskAsync(AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> call, AttachRequest request, CancellationToken opening)
    {
        try
        {
            await call.RequestStream.WriteAsync(new WorkerMessage { Attach = request }, opening);
            return await call.ResponseStream.MoveNext(opening) ? call.ResponseStream.Current : null;
        }
        catch (OperationCanceledException cut) when (!opening.IsCancellationRequested)
        {
            // The server has ended the call while the request was on its way: gRPC gives the write up, and the call knows why.
            throw new RpcException(StatusOf(call) ?? new Status(StatusCode.Unavailable, "The stream was reset.", cut));
        }
    }

    private static Status? StatusOf(AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> call)
    {
        try
        {
            // A call that ended well has not answered either.
            return call.GetStatus() is { StatusCode: not StatusCode.OK } status ? status : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Waits for the coordinator's next message.</summary>
    /// <exception cref="StreamBrokenException">There will be none.</exception>
    /// <exception cref="OperationCanceledException">The wait was given up; the message comes to the next one.</exception>
    public async Task<CoordinatorMessage> ReadAsync(CancellationToken cancellationToken)
    {
        _reading ??= NextAsync();
        var message = await _reading.WaitAsync(cancellationToken) ?? throw new StreamBrokenException("it was closed");
        _reading = null;
        return message;
    }

    /// <summary>Writes a message after those that wait already.</summary>
    /// <exception cref="StreamBrokenException">The stream carries nothing more.</exception>
    /// <exception cref="OperationCanceledException">The message was given up before its turn came.</exception>
    public async Task WriteAsync(WorkerMessage message, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await _call.RequestStream.WriteAsync(message, _ended.Token);
        }
        catch (Exception e) when (IsEnd(e) || e is InvalidOperationException)
        {
            // Writing into a call that is complete, or disposed, is an invalid operation to gRPC.
            throw new StreamBrokenException(e.Message, e);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Says that this worker ends, and waits a moment until the coordinator has heard it; then the stream has ended, too.</summary>
    public async Task LeaveAsync(string reason)
    {
        _ended.CancelAfter(LeavePatience);
        try
        {
            await WriteAsync(new WorkerMessage { Leave = new WorkerLeave { Reason = reason } }, _ended.Token);
            while (true)
                await ReadAsync(_ended.Token);
        }
        catch (Exception e) when (e is StreamBrokenException or OperationCanceledException)
        {
            // The coordinator has heard it and ended the stream; or it is not there, and learns it by the lease.
        }
    }

    /// <summary>Ends the stream at once: what is being read or written breaks.</summary>
    public Task Abort() => _ended.CancelAsync();

    public void Dispose()
    {
        _ended.Cancel();
        _call.Dispose();
        _channel.Dispose();
        _ended.Dispose();
        _writing.Dispose();
    }

    // Null: the coordinator closed the stream.
    private async Task<CoordinatorMessage?> NextAsync()
    {
        try
        {
            return await _call.ResponseStream.MoveNext(_ended.Token) ? _call.ResponseStream.Current : null;
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw new StreamBrokenException(e.Message, e);
        }
    }

    private static bool IsEnd(Exception e) => e is RpcException or IOException or OperationCanceledException;
}
