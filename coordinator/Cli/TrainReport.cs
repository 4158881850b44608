using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli;

/// <summary>What <c>train</c> says at the end: the adapter's folder, the eval loss before and after, the speed, each worker's account.</summary>
internal static class TrainReport
{
    /// <summary>The last line of <c>--json</c>.</summary>
    public static string Json(JobStatus status)
    {
        var report = new JsonObject
        {
            ["job"] = status.Job,
            ["state"] = StatusText.State(status),
            ["adapter"] = status.Adapter.Length > 0 ? status.Adapter : null,
            ["eval_loss_before"] = Number(status.HasEvalLossBefore, status.EvalLossBefore),
            ["eval_loss_after"] = Number(status.HasEvalLossAfter, status.EvalLossAfter),
            ["tokens_per_second"] = Number(status.TokensPerSecond > 0, status.TokensPerSecond),
            ["workers"] = new JsonArray([.. status.Workers.Select(Account)]),
        };
        if (status.Reason.Length > 0)
        {
            // Why it failed, or that nothing was left to do.
            report["reason"] = status.Reason;
        }

        return report.ToJsonString();
    }

    /// <summary>The same for a person; only of a job that succeeded.</summary>
    public static IEnumerable<string> Lines(JobStatus status)
    {
        yield return $"adapter    {status.Adapter}";
        if (status.HasEvalLossBefore && status.HasEvalLossAfter)
        {
            yield return $"eval loss  {StatusText.Loss(status.EvalLossBefore)} before, {StatusText.Loss(status.EvalLossAfter)} after";
        }

        // A run that was finished already trained nothing now.
        if (status.TokensPerSecond > 0)
        {
            yield return $"speed      {StatusText.TokensPerSecond(status.TokensPerSecond)} tokens/s";
        }
    }

    private static JsonNode Account(WorkerAccount worker) => new JsonObject
    {
        ["worker"] = worker.Worker,
        ["replica"] = worker.Replica,
        ["stage"] = worker.Stage,
        ["layers"] = new JsonArray(worker.FirstLayer, worker.LastLayer),
        ["micro_batches_run"] = worker.MicroBatchesRun,
        ["micro_batches_repeated"] = worker.MicroBatchesRepeated,
        ["bytes_sent"] = worker.BytesSent,
        ["bytes_received"] = worker.BytesReceived,
        ["gradient_bytes_received"] = worker.GradientBytesReceived,
        ["base_bytes_read"] = worker.BaseBytesRead,
        ["base_bytes_cached"] = worker.BaseBytesCached,
        ["base_bytes_received"] = worker.BaseBytesReceived,
        ["peak_memory_bytes"] = worker.PeakMemoryBytes,
    };

    // JSON has no number for what is not finite.
    private static JsonValue? Number(bool present, double value) => present && double.IsFinite(value) ? JsonValue.Create(value) : null;
}
