using System.Text.Json;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What an output folder says of the run that it holds.</summary>
/// <param name="Checkpoints">Its checkpoints.</param>
/// <param name="PlannedJob">The job hash in its plan; null: it has none.</param>
/// <param name="FinishedJob">The job hash of its adapter; null: it has none, or none that this program wrote.</param>
/// <param name="FinishedStep">The step of its adapter.</param>
/// <param name="Evaluations">Its evaluations, in the order of their lines.</param>
internal sealed record RunHistory(CheckpointSearch Checkpoints, string? PlannedJob, string? FinishedJob, ulong FinishedStep, ValueList<EvaluationPoint> Evaluations)
{
    /// <summary>Reads a run's folder; every blob of its newest checkpoint is checked.</summary>
    public static RunHistory Read(string output, CancellationToken cancellationToken)
    {
        var lineage = TryRead(Path.Combine(output, RunFolder.AdapterFolderName, PeftAdapterWriter.LineageFile));
        return new RunHistory(
            RunFolder.CheckpointsOf(output).Search(cancellationToken),
            TextOf(TryRead(Path.Combine(output, RunFolder.PlanFileName)), "job_hash"),
            TextOf(lineage, "job_sha256"),
            lineage?.Find("step") is { ValueKind: JsonValueKind.Number } step && step.TryGetUInt64(out var number) ? number : 0,
            [.. MetricsLines.Evaluations(Path.Combine(output, RunFolder.MetricsFileName))]);
    }

    // A file that is not there or is not whole says nothing: the run did not come so far.
    private static ConfigDocument? TryRead(string file)
    {
        try
        {
            return File.Exists(file) ? ConfigDocument.Read(file) : null;
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    private static string? TextOf(ConfigDocument? document, string key) => document?.Find(key) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
