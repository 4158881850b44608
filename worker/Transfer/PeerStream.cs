using System.Diagnostics;
using System.Threading.Channels;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Worker.Transfer;

/// <summary>One Push stream to one receiver on a connection of its own.</summary>
/// <remarks>
/// <see cref="Send"/> queues and returns; one loop writes. A tensor stays here until its receipt has come; when the stream breaks, all that have
/// none are sent again, whole, over the next one. A stream on which something has no receipt and nothing moves for a while may be half open: it is given up, and the
/// next one goes over a new connection. A frame that arrived damaged ends its stream and comes again, a few times. A status that no other stream would mend (see
/// <see cref="ResiliencePipelines.IsTransient"/>) is the receiver's loss; a receiver that is silent for long (<see cref="PeerSilence"/>) is told of and tried on. What is queued is bounded by the sender's program (see <see cref="TensorInbox"/>).
/// </remarks>
internal sealed class PeerStream : IAsyncDisposable
{
    // A receiver that accepts a stream and breaks it at once is not asked again in a hot loop.
    private static readonly TimeSpan PauseBetweenStreams = TimeSpan.FromSeconds(0.1);

    /// <summary>After so long without any movement a stream is given up.</summary>
    public static readonly TimeSpan StallPatience = TimeSpan.FromSeconds(5);

    /// <summary>After so long without any sign of a receiver that something waits for, it is told of as unreachable.</summary>
    public static readonly TimeSpan SilencePatience = TimeSpan.FromSeconds(30);

    // A frame may be damaged on its way, whichever of its bytes: what is refused as often without a receipt between was sent so.
    private const int MostRefusals = 3;

    private readonly Channel<Outgoing> _queue = Channel.CreateUnbounded<Outgoing>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Queue<Outgoing> _unreceipted = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Func<GrpcChannel> _connect;
    private readonly Metadata _headers;
    private readonly TimeSpan _stallPatience;
    private readonly TimeSpan _silencePatience;
    private readonly PeerSilence _silence;
    private readonly Task _loop;
    private readonly Task _listening;
    private GrpcChannel _channel;
    private long _moved;
    private int _refusals;
    private volatile bool _stalled;

    /// <param name="connect">Makes a connection; it is disposed here.</param>
    /// <param name="headers">Proof of the generation.</param>
    /// <param name="failed">Told once when the receiver refuses for good, and once when it is silent: then it is tried on.</param>
    /// <param name="stallPatience">After so long without any movement a stream is given up.</param>
    /// <param name="silencePatience">After so long without any sign of the receiver it is told of.</param>
    public PeerStream(Func<GrpcChannel> connect, Metadata headers, Action<Exception> failed, TimeSpan stallPatience, TimeSpan silencePatience)
    {
        (_silencePatience, _silence) = (silencePatience, new PeerSilence(silencePatience));
        _connect = connect;
        _channel = connect();
        _headers = headers;
        _stallPatience = stallPatience;
        _loop = Task.Run(() => RunAsync(failed));
        _listening = Task.Run(() => ListenAsync(failed));
    }

    private sealed record Outgoing(TensorKey Key, DType DType, TensorBuffer Buffer, Action? Received);

    public void Send(in TensorKey key, DType dtype, TensorBuffer buffer, Action? received)
    {
        lock (_silence)
            _silence.Queued(Now());
        if (!_queue.Writer.TryWrite(new Outgoing(key, dtype, buffer, received)))
            buffer.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _ended.CancelAsync();
        await _loop;
        await _listening;
        while (_queue.Reader.TryRead(out var left))
            left.Buffer.Dispose();
        while (_unreceipted.TryDequeue(out var left))
            left.Buffer.Dispose();
        _channel.Dispose();
        _ended.Dispose();
    }

    private async Task RunAsync(Action<Exception> failed)
    {
        try
        {
            while (_unreceipted.Count > 0 || await _queue.Reader.WaitToReadAsync(_ended.Token))
            {
                await SendOverOneStreamAsync();
                await Task.Delay(PauseBetweenStreams, _ended.Token);
                if (!_stalled)
                    continue;
                _stalled = false;
                Reconnect();
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // The generation has ended.
        }
#pragma warning disable CA1031 // Whatever it is, the generation's owner decides.
        catch (Exception refused)
#pragma warning restore CA1031
        {
            if (!_ended.IsCancellationRequested)
                failed(refused);
        }
    }

    // Returns when the stream broke in a way that another one may mend.
    private async Task SendOverOneStreamAsync()
    {
        using var call = await ResiliencePipelines.For(TensorTransferMethods.PushOut.FullName).ExecuteAsync(OpenAsync, _ended.Token);
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        Moved();
        var receipts = ReadReceiptsAsync(call, broken);
        var watch = WatchAsync(broken);
        Exception? reason = null;
        try
        {
            await WriteAllAsync(call, broken.Token);
        }
        catch (Exception e) when (e is RpcException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // Where the receiver ended the stream, its answer below says why.
            reason = broken.IsCancellationRequested ? null : e;
        }

        await broken.CancelAsync();
        reason = await receipts ?? reason;
        await watch;
        _ended.Token.ThrowIfCancellationRequested();
        if (reason is RpcException refusal && !ResiliencePipelines.IsTransient(reason) && !MayBeDamage(refusal))
            throw reason;
    }

    // Counted on the loop's own thread, forgotten with the next receipt.
    private bool MayBeDamage(RpcException refusal) =>
        refusal.StatusCode is StatusCode.DataLoss or StatusCode.InvalidArgument && Interlocked.Increment(ref _refusals) < MostRefusals;

    private static TimeSpan Now() => Stopwatch.GetElapsedTime(0);

    private void Moved()
    {
        Interlocked.Exchange(ref _moved, Stopwatch.GetTimestamp());
        Heard();
    }

    private void Heard()
    {
        lock (_silence)
            _silence.Heard(Now());
    }

    private bool IsSilent()
    {
        lock (_silence)
            return _silence.IsDue(Now());
    }

    // Beside the loop, which tries without end.
    private async Task ListenAsync(Action<Exception> failed)
    {
        try
        {
            while (!IsSilent())
                await Task.Delay(_silencePatience / 10, _ended.Token);
            if (!_loop.IsCompleted)
                failed(new RpcException(new Status(StatusCode.Unavailable, $"Nothing was heard of it for {_silencePatience.TotalSeconds:0.#} s.")));
        }
        catch (OperationCanceledException)
        {
            // The generation has ended.
        }
    }

    private async Task WatchAsync(CancellationTokenSource broken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_stallPatience / 5, broken.Token);
                bool waits;
                lock (_unreceipted)
                    waits = _unreceipted.Count > 0;
                if (!waits || Stopwatch.GetElapsedTime(Interlocked.Read(ref _moved)) < _stallPatience)
                    continue;
                _stalled = true;
                await broken.CancelAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The stream has ended, by this or otherwise.
        }
    }

    private async ValueTask<AsyncDuplexStreamingCall<OutgoingFrame, TransferReceipt>> OpenAsync(CancellationToken cancellationToken)
    {
        // A connection may be half open from the start.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_stallPatience);
        var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            TensorTransferMethods.PushOut, null, new CallOptions(_headers, cancellationToken: _ended.Token));
        try
        {
            var headers = await call.ResponseHeadersAsync.WaitAsync(patience.Token);

            // A refusal has headers too; only the service itself sets this one. Reading the answer throws the refusal.
            if (headers.Get(PeerAccess.AcceptedHeader) is null && !await call.ResponseStream.MoveNext(patience.Token))
                throw new RpcException(new Status(StatusCode.Unavailable, "The receiver ended the stream before it accepted it."));
            return call;
        }
        catch (OperationCanceledException silent) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            call.Dispose();
            Reconnect();
            throw new RpcException(new Status(StatusCode.Unavailable, "The receiver does not answer.", silent));
        }
        catch (Exception refused)
        {
            call.Dispose();
            // An answer of the receiver itself: it is there, and may not have started the generation yet.
            if (refused is RpcException { Status.DebugException: null })
                Heard();
            throw;
        }
    }

    private void Reconnect()
    {
        _channel.Dispose();
        _channel = _connect();
    }

    private async Task WriteAllAsync(AsyncDuplexStreamingCall<OutgoingFrame, TransferReceipt> call, CancellationToken cancellationToken)
    {
        Outgoing[] again;
        lock (_unreceipted)
            again = [.. _unreceipted];
        foreach (var tensor in again)
            await WriteAsync(call, tensor, cancellationToken);
        while (await NextAsync(cancellationToken) is { } tensor)
        {
            // Known as unreceipted before its last frame is out: the receipt may come at once.
            lock (_unreceipted)
                _unreceipted.Enqueue(tensor);
            Moved();
            await WriteAsync(call, tensor, cancellationToken);
        }
    }

    private async Task<Outgoing?> NextAsync(CancellationToken cancellationToken)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_queue.Reader.TryRead(out var tensor))
                return tensor;
        }

        return null;
    }

    private async Task WriteAsync(AsyncDuplexStreamingCall<OutgoingFrame, TransferReceipt> call, Outgoing tensor, CancellationToken cancellationToken)
    {
        // Held by itself: the receipt of a duplicate may come before the last frame is written.
        using var held = tensor.Buffer.Retain();
        foreach (var frame in OutgoingFrame.Of(tensor.Key, tensor.DType, held))
        {
            await call.RequestStream.WriteAsync(frame, cancellationToken);
            Moved();
        }
    }

    // Returns why the receiver ended the stream; null: it gave no reason, or it was ended from here.
    private async Task<Exception?> ReadReceiptsAsync(AsyncDuplexStreamingCall<OutgoingFrame, TransferReceipt> call, CancellationTokenSource broken)
    {
        ulong receipted = 0;
        try
        {
            while (await call.ResponseStream.MoveNext(broken.Token))
            {
                for (; receipted < call.ResponseStream.Current.TensorsReceived; receipted++)
                {
                    Outgoing arrived;
                    lock (_unreceipted)
                        arrived = _unreceipted.Dequeue();
                    lock (_silence)
                        _silence.Receipted(Now());
                    arrived.Buffer.Dispose();
                    arrived.Received?.Invoke();
                }

                Moved();
                Interlocked.Exchange(ref _refusals, 0);
            }

            return null;
        }
        catch (Exception e) when (broken.IsCancellationRequested && e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            return null;
        }
        catch (Exception e) when (e is RpcException or IOException)
        {
            return e;
        }
        finally
        {
            await broken.CancelAsync();
        }
    }
}
