using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Worker.Transfer;

/// <summary>The way to the other workers of a generation over gRPC.</summary>
/// <remarks>
/// Thread-safe. To each receiver up to two Push streams on connections of their own, opened when first used: a large gradient or state does not hold up the
/// activation that a stage waits for. A vote or verdict that is not answered in time goes over a new connection, for the old one may be half open. Disposing ends
/// the generation here: nothing more is sent.
/// </remarks>
internal sealed class GrpcPeerLink : IPeerLink, IAsyncDisposable
{
    private readonly ConcurrentDictionary<(uint Rank, bool Bulk), Lazy<PeerStream>> _streams = new();
    private readonly ConcurrentDictionary<uint, Lazy<GrpcChannel>> _agreements = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Dictionary<uint, Peer> _peers;
    private readonly Metadata _headers;
    private readonly Action<uint, Exception> _failed;
    private readonly TimeSpan _stallPatience;
    private readonly TimeSpan _silencePatience;
    private long _sent;

    /// <param name="self">This worker in the generation.</param>
    /// <param name="secret">The generation's secret.</param>
    /// <param name="peers">All workers of the generation.</param>
    /// <param name="failed">Told when a peer stays away, refuses, or knows a contradiction (<see cref="ContradictionException"/>): its rank and why.</param>
    /// <param name="stallPatience">After so long without any movement a stream is given up; null: <see cref="PeerStream.StallPatience"/>.</param>
    /// <param name="silencePatience">After so long without any sign of a receiver it is told of; null: <see cref="PeerStream.SilencePatience"/>.</param>
    public GrpcPeerLink(PeerIdentity self, byte[] secret, IEnumerable<Peer> peers, Action<uint, Exception> failed, TimeSpan? stallPatience = null, TimeSpan? silencePatience = null)
    {
        _silencePatience = silencePatience ?? PeerStream.SilencePatience;
        _stallPatience = stallPatience ?? PeerStream.StallPatience;
        _headers = PeerAccess.HeadersOf(self, secret);
        _peers = peers.ToDictionary(peer => peer.Rank);
        _failed = failed;
    }

    public ulong BytesSent => (ulong)Interlocked.Read(ref _sent);

    public void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null)
    {
        if (key.Kind.BelongsToAStep())
            Interlocked.Add(ref _sent, buffer.Bytes);
        var bulk = key.Kind is TensorKind.PartialGradient or TensorKind.ReducedGradient or TensorKind.State or TensorKind.Mirror;
        _streams.GetOrAdd((receiver, bulk), lane => new Lazy<PeerStream>(() => new PeerStream(() => Connect(lane.Rank), _headers, e => _failed(lane.Rank, e), _stallPatience, _silencePatience))).Value
            .Send(key, dtype, buffer, received);
    }

    public void Cast(uint parent, StepVote vote) =>
        Deliver(parent, "orchestrator.v1.StepAgreement/Cast", "vote", vote.Step, async (client, options) => await client.CastAsync(vote, options));

    public void Announce(uint child, StepVerdict verdict) =>
        Deliver(child, "orchestrator.v1.StepAgreement/Announce", "verdict", verdict.Step, async (client, options) => await client.AnnounceAsync(verdict, options));

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        foreach (var stream in _streams.Values)
            await stream.Value.DisposeAsync();
        foreach (var channel in _agreements.Values)
            channel.Value.Dispose();
    }

    private void Deliver(uint rank, string method, string what, ulong step, Func<StepAgreement.StepAgreementClient, CallOptions, Task> call) => _ = Task.Run(async () =>
    {
        try
        {
            await ResiliencePipelines.For(method).ExecuteAsync(async attempt => await TryAsync(rank, call, attempt), _ended.Token);
        }
#pragma warning disable CA1031 // Whatever it is, the generation's owner decides.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!_ended.IsCancellationRequested)
                _failed(rank, e is RpcException { StatusCode: StatusCode.AlreadyExists } ? new ContradictionException(what, step, e) : e);
        }
    });

    private async Task TryAsync(uint rank, Func<StepAgreement.StepAgreementClient, CallOptions, Task> call, CancellationToken attempt)
    {
        var channel = _agreements.GetOrAdd(rank, key => new Lazy<GrpcChannel>(() => Connect(key)));
        try
        {
            await call(new StepAgreement.StepAgreementClient(channel.Value), new CallOptions(_headers, cancellationToken: attempt));
        }
        catch (OperationCanceledException) when (!_ended.IsCancellationRequested)
        {
            // No answer in time. Whoever else uses the channel tries again, too.
            if (_agreements.TryRemove(new KeyValuePair<uint, Lazy<GrpcChannel>>(rank, channel)))
                channel.Value.Dispose();
            throw;
        }
        catch (ObjectDisposedException closed) when (!_ended.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The connection was given up meanwhile.", closed));
        }
    }

    private GrpcChannel Connect(uint rank) => PeerChannels.Open(_peers[rank].Address);
}
