using System.Security.Cryptography;
using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Whom a worker asks for quantized weights of the base model: those that have loaded the same layers for this job.</summary>
/// <remarks>Pure. A worker that is named and lost meanwhile costs the asker a try: the model's files have the weights, too.</remarks>
internal static class BaseHolders
{
    /// <summary>Everybody who is attached and has loaded in the newest place that it had.</summary>
    public static IReadOnlyList<BaseHolder> Of(JobSession session) =>
    [
        .. session.Fleet.Workers
            .Where(worker => worker.PeerAddress.Length > 0 && session.Places.ContainsKey(worker.Key) && session.Loads.GetValueOrDefault(worker.Key) is { Done: true })
            .OrderBy(worker => worker.Key.WorkerId, StringComparer.Ordinal)
            .Select(worker => new BaseHolder
            {
                Worker = JobTurn.IdentityOf(worker.Key),
                Address = worker.PeerAddress,
                FirstLayer = (uint)session.Places[worker.Key].FirstLayer,
                LastLayer = (uint)session.Places[worker.Key].LastLayer,
            }),
    ];

    /// <summary>Tells a worker of the others that have layers of its stage, and by what they know each other.</summary>
    public static void Name(LoadStage load, IEnumerable<BaseHolder> holders, WorkerKey asker, ByteString secret)
    {
        load.Holders.AddRange(holders.Where(holder =>
            holder.Worker.WorkerId != asker.WorkerId && holder.FirstLayer <= load.Stage.LastLayer && holder.LastLayer >= load.Stage.FirstLayer));
        load.BaseSecret = ByteString.CopyFrom(HMACSHA256.HashData(secret.Span, "base weights"u8));
    }
}
