using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;
using Orchestrator.Worker.BaseCache;

namespace Orchestrator.Worker.Transfer;

/// <summary>Asks one worker for quantized weights.</summary>
/// <remarks>A broken stream goes on where it stopped. For one caller at a time.</remarks>
internal sealed class BaseWeightClient : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly Metadata _headers;
    private readonly TimeSpan _silencePatience;

    /// <param name="address">Where the worker is reached.</param>
    /// <param name="job">The job of both.</param>
    /// <param name="secret">By which its workers know each other.</param>
    /// <param name="silencePatience">After so long without a part the worker is given up; null: 5 s, for whoever waits here holds up a job.</param>
    public BaseWeightClient(string address, string job, byte[] secret, TimeSpan? silencePatience = null)
    {
        _channel = PeerChannels.Open(address);
        _headers = BaseWeightAccess.HeadersOf(job, secret);
        _silencePatience = silencePatience ?? TimeSpan.FromSeconds(5);
    }

    /// <summary>Copies a weight's blob.</summary>
    /// <param name="key">The weight.</param>
    /// <param name="target">Empty at first.</param>
    /// <param name="mostBytes">A longer blob is refused.</param>
    /// <param name="moved">Told after each part.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>False: the worker does not have it.</returns>
    /// <exception cref="RpcException">The worker cannot be reached, or refuses.</exception>
    /// <exception cref="InvalidDataException">What comes is not what was asked for.</exception>
    /// <exception cref="OperationCanceledException">Nothing came for too long.</exception>
    public async Task<bool> FetchAsync(BaseKey key, Stream target, ulong mostBytes, Action moved, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await ResiliencePipelines.For("orchestrator.v1.BaseWeights/Fetch").ExecuteAsync(
                async attempt => await CopyAsync(key, target, mostBytes, () => Moved(silence, moved), attempt), Started(silence));
            return true;
        }
        catch (RpcException absent) when (absent.StatusCode == StatusCode.NotFound)
        {
            return false;
        }
    }

    public void Dispose() => _channel.Dispose();

    private CancellationToken Started(CancellationTokenSource silence)
    {
        silence.CancelAfter(_silencePatience);
        return silence.Token;
    }

    private void Moved(CancellationTokenSource silence, Action moved)
    {
        silence.CancelAfter(_silencePatience);
        moved();
    }

    private async Task CopyAsync(BaseKey key, Stream target, ulong mostBytes, Action moved, CancellationToken cancellationToken)
    {
        var client = new BaseWeights.BaseWeightsClient(_channel);
        using var call = client.Fetch(new BaseWeightRequest { Key = key.Hex, Offset = (ulong)target.Position }, _headers, cancellationToken: cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            var part = call.ResponseStream.Current;
            if (part.Offset != (ulong)target.Position || part.Total > mostBytes || part.Offset + (ulong)part.Content.Length > part.Total)
                throw new InvalidDataException($"Of weight {key} came {part.Content.Length} bytes from {part.Offset} of {part.Total} where byte {target.Position} was due.");
            await target.WriteAsync(part.Content.Memory, cancellationToken);
            moved();
        }
    }
}
