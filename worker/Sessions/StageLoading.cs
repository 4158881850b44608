using System.Diagnostics;
using System.Globalization;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Sessions;

/// <summary>Loads what a worker holds of a job: shards fetched, adapter initialized, stage loaded, with progress told on the way.</summary>
internal static class StageLoading
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromMilliseconds(250);

    /// <summary>Brings the job's holdings to what a command says: a stage that differs only in its place is kept.</summary>
    public static async Task LoadAsync(LoadStage command, JobHoldings holdings, WorkerParts parts, ShardOrigin origin, CancellationToken cancellationToken)
    {
        if (holdings.Assets is { } loaded && StageComparison.IsSame(loaded.Spec, command.Stage))
        {
            await parts.Runtime.Compute.Run(() => holdings.LoadedAgain(command, command.State is null ? null : StateOf(command)), cancellationToken);
            ReportAgain(command, holdings, parts);
            return;
        }

        if (holdings.Assets is not null)
            await parts.Runtime.Compute.Run(holdings.Unload, cancellationToken);
        await LoadAnewAsync(command, holdings, parts, origin, cancellationToken);
    }

    /// <summary>Says once more that a stage is loaded.</summary>
    /// <exception cref="InvalidOperationException">Another one is.</exception>
    public static void ReportAgain(LoadStage command, JobHoldings holdings, WorkerParts parts)
    {
        var spec = command.Stage;
        if (holdings.Assets is not { } loaded || !StageComparison.IsSame(loaded.Spec, spec))
            throw new InvalidOperationException($"layers {spec.FirstLayer} to {spec.LastLayer} are to be loaded while a generation runs with others");
        parts.Outbox.Post(Report(command.Scope, spec.LastLayer - spec.FirstLayer + 1, loaded.Model.Sources, loaded.Model.ResidentBytes, done: true));
    }

    /// <summary>The state that a stage is loaded with: its checkpoint's, else the adapter's initial one. Compute thread.</summary>
    public static AdapterSnapshot StateOf(LoadStage command)
    {
        using var adapter = AdapterState.Create(command.Stage, TorchSharp.torch.CPU);
        if (command.State is { } saved)
            StateRestore.Fill(adapter, saved);
        return adapter.Snapshot(command.State?.Step ?? 0);
    }

    private static async Task LoadAnewAsync(LoadStage command, JobHoldings holdings, WorkerParts parts, ShardOrigin origin, CancellationToken cancellationToken)
    {
        var splits = new List<SplitReader>();
        try
        {
            foreach (var shard in command.Shards)
            {
                var fetched = new SynchronousProgress<ulong>(bytes => parts.Activity.Does($"fetches data: {bytes} of {shard.Bytes} bytes"));
                splits.Add(await parts.Shards.OpenAsync(shard, origin, fetched, cancellationToken));
            }

            var baseLoad = parts.Base?.Begin(OriginOf(command));
            if (baseLoad is not null)
                await BaseFetching.RunAsync(command, baseLoad, parts.Activity, parts.Logger, cancellationToken);
            await parts.Runtime.Compute.Run(() => LoadStage(command, splits, holdings, parts, baseLoad, cancellationToken), cancellationToken);
        }
        catch
        {
            splits.ForEach(split => split.Dispose());
            throw;
        }
    }

    private static void LoadStage(LoadStage command, List<SplitReader> splits, JobHoldings holdings, WorkerParts parts, BaseLoad? baseLoad, CancellationToken cancellationToken)
    {
        var spec = command.Stage;
        if (command.HasEvaluation && splits.Count < 2)
            throw new WorkerFaultException(ErrorCode.BadData, "The stage has an evaluation, but no second shard came for it.");
        var lastReport = Stopwatch.GetTimestamp();
        var loaded = new SynchronousProgress<StageLoadProgress>(progress =>
        {
            parts.Activity.Does($"loads layer {progress.LayersLoaded} of {spec.LastLayer - spec.FirstLayer + 1}");
            if (Stopwatch.GetElapsedTime(lastReport) < BetweenReports)
                return;
            lastReport = Stopwatch.GetTimestamp();
            parts.Outbox.Post(Report(command.Scope, progress.LayersLoaded, progress.Sources, progress.ResidentBytes, done: false));
        });
        var adapter = AdapterState.Create(spec, parts.Runtime.Device);
        try
        {
            if (command.State is { } saved)
                StateRestore.Fill(adapter, saved);
            var model = StageModel.Load(spec, parts.Runtime.Device, adapter, loaded, baseLoad, cancellationToken);
            if (baseLoad?.Trouble is { } trouble)
                parts.Logger.BaseNotKept(command.Scope.Job, trouble);
            var assets = new StageAssets
            {
                Spec = spec,
                Device = parts.Runtime.Device,
                Model = model,
                Adapter = adapter,
                ActedStep = command.State?.Step ?? 0,
                Train = splits.Count > 0 ? splits[0] : null,
                Evaluation = command.HasEvaluation ? splits[1] : null,
                Counters = holdings.Counters,
            };
            holdings.Counters.Totals.BaseBytesRead += model.Sources.Read;
            holdings.Counters.Totals.BaseBytesCached += model.Sources.Cached;
            holdings.Counters.Totals.BaseBytesReceived += model.Sources.Received;
            holdings.Loaded(command, assets, spec.Training ? adapter.Snapshot(assets.ActedStep) : null);
            parts.Outbox.Post(Report(command.Scope, spec.LastLayer - spec.FirstLayer + 1, model.Sources, model.ResidentBytes, done: true));
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    // Those who are told to load together do; a newcomer comes when the others have loaded.
    private static string OriginOf(LoadStage command) =>
        string.Create(CultureInfo.InvariantCulture, $"{command.Scope.Job}/{command.Scope.Generation}/{command.Scope.Fence}{(command.Joins ? "/joins" : "")}");

    private static WorkerMessage Report(JobScope scope, uint layers, BaseSources sources, ulong resident, bool done) => new()
    {
        StageLoad = new StageLoadReport
        {
            Scope = scope,
            LayersLoaded = layers,
            BaseBytesRead = sources.Read,
            BaseBytesCached = sources.Cached,
            BaseBytesReceived = sources.Received,
            ResidentBytes = resident,
            Done = done,
        },
    };
}
