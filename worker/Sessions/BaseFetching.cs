using System.Globalization;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;
using Polly.Timeout;

namespace Orchestrator.Worker.Sessions;

/// <summary>Brings quantized weights of a stage into the cache that other workers have loaded already.</summary>
/// <remarks>Nothing depends on it: what does not come is read from the model's files. A worker that fails once is not asked again in this load.</remarks>
internal static class BaseFetching
{
    private const string LayerPrefix = "model.layers.";

    /// <summary>Asks for every weight that the cache lacks those who have its layer, one after the other.</summary>
    public static async Task RunAsync(LoadStage command, BaseLoad load, StageActivity activity, ILogger logger, CancellationToken cancellationToken)
    {
        if (command.Holders.Count == 0 || command.Stage.Quantization is not { Type: not QuantizationType.None } quantization)
            return;
        var holders = command.Holders.Select(holder => (Holder: holder, Client: new BaseWeightClient(holder.Address, command.Scope.Job, command.BaseSecret.ToByteArray()))).ToList();
        var clients = holders.Select(holder => holder.Client).ToList();
        using var reader = new SliceReader();
        try
        {
            foreach (var slice in command.Stage.Base.Where(slice => slice.Quantize))
            {
                if (LayerOf(slice) is not { } layer || KeyOf(reader, slice, quantization) is not { } key || load.NeedsNone(key))
                    continue;
                foreach (var (holder, client) in holders.Where(other => other.Holder.FirstLayer <= layer && layer <= other.Holder.LastLayer).ToList())
                {
                    void Moved() => activity.Does($"fetches layer {layer} from {holder.Worker.WorkerId}");
                    try
                    {
                        Moved();
                        var most = BaseBlob.MostBytesOf(slice, quantization);
                        if (await load.ReceiveAsync(key, most, target => client.FetchAsync(key, target, most, Moved, cancellationToken)))
                            break;
                    }
                    catch (Exception failed) when (IsOfThePeerOrTheDisk(failed) && !cancellationToken.IsCancellationRequested)
                    {
                        logger.BaseNotGiven(command.Scope.Job, holder.Worker.WorkerId, failed.Message);
                        holders.RemoveAll(other => other.Client == client);
                    }
                }
            }
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static bool IsOfThePeerOrTheDisk(Exception failure) =>
        failure is RpcException or IOException or InvalidDataException or UnauthorizedAccessException or OperationCanceledException or TimeoutRejectedException or HttpRequestException;

    private static uint? LayerOf(TensorSlice slice) =>
        slice.Name.StartsWith(LayerPrefix, StringComparison.Ordinal)
        && uint.TryParse(slice.Name.AsSpan(LayerPrefix.Length, slice.Name.AsSpan(LayerPrefix.Length).IndexOf('.') is var end and > 0 ? end : 0), NumberStyles.None, CultureInfo.InvariantCulture, out var layer)
            ? layer
            : null;

    // What is wrong with a slice is said by the load itself.
    private static BaseKey? KeyOf(SliceReader reader, TensorSlice slice, QuantizationSpec quantization)
    {
        try
        {
            return BaseKey.Of(slice, reader.VersionOf(slice, [.. slice.Shape.Select(n => (long)n)]), quantization);
        }
        catch (WorkerFaultException)
        {
            return null;
        }
    }
}
