using System.Diagnostics;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Sessions;

/// <summary>Makes what a worker holds of a job: shards fetched, adapter initialized, stage loaded, with progress told on the way.</summary>
internal static class StageLoading
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromMilliseconds(250);

    public static async Task<StageAssets> LoadAsync(
        LoadStage command, WorkerRuntime runtime, ShardStore shards, CoordinatorConnection coordinator, StageActivity activity, Action<WorkerMessage> report, CancellationToken cancellationToken)
    {
        var splits = new List<SplitReader>();
        try
        {
            foreach (var shard in command.Shards)
            {
                var fetched = new SynchronousProgress<ulong>(bytes => activity.Does($"fetches data: {bytes} of {shard.Bytes} bytes"));
                splits.Add(await shards.OpenAsync(shard, coordinator.Channel, coordinator.Accepted.Credential, fetched, cancellationToken));
            }

            return await runtime.Compute.Run(() => LoadStage(command, splits, runtime, activity, report, cancellationToken), cancellationToken);
        }
        catch
        {
            splits.ForEach(split => split.Dispose());
            throw;
        }
    }

    private static StageAssets LoadStage(
        LoadStage command, List<SplitReader> splits, WorkerRuntime runtime, StageActivity activity, Action<WorkerMessage> report, CancellationToken cancellationToken)
    {
        var spec = command.Stage;
        if (command.HasEvaluation && splits.Count < 2)
            throw new WorkerFaultException(ErrorCode.BadData, "The stage has an evaluation, but no second shard came for it.");
        var lastReport = Stopwatch.GetTimestamp();
        var loaded = new SynchronousProgress<StageLoadProgress>(progress =>
        {
            activity.Does($"loads layer {progress.LayersLoaded} of {spec.LastLayer - spec.FirstLayer + 1}");
            if (Stopwatch.GetElapsedTime(lastReport) < BetweenReports)
                return;
            lastReport = Stopwatch.GetTimestamp();
            report(Report(command.Scope, progress.LayersLoaded, progress.BaseBytesRead, progress.ResidentBytes, done: false));
        });
        var adapter = AdapterState.Create(spec, runtime.Device);
        try
        {
            if (command.State is { } saved)
                StateRestore.Fill(adapter, saved);
            var model = StageModel.Load(spec, runtime.Device, adapter, loaded, cancellationToken);
            report(Report(command.Scope, spec.LastLayer - spec.FirstLayer + 1, model.BaseBytesRead, model.ResidentBytes, done: true));
            return new StageAssets
            {
                Spec = spec,
                Device = runtime.Device,
                Model = model,
                Adapter = adapter,
                ActedStep = command.State?.Step ?? 0,
                Train = splits.Count > 0 ? splits[0] : null,
                Evaluation = command.HasEvaluation ? splits[1] : null,
            };
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    private static WorkerMessage Report(JobScope scope, uint layers, ulong bytesRead, ulong resident, bool done) => new()
    {
        StageLoad = new StageLoadReport { Scope = scope, LayersLoaded = layers, BaseBytesRead = bytesRead, ResidentBytes = resident, Done = done },
    };
}
