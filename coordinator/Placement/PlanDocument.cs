using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>plan.json: the layout and what was found while planning.</summary>
internal static class PlanDocument
{
    /// <summary>The document of a result; <c>layout</c> is null and <c>stages</c> empty when there is none.</summary>
    /// <param name="jobHash">The job's hash.</param>
    /// <param name="reductionSlots">Slots at most of a step.</param>
    /// <param name="recompute">The resolved policy.</param>
    /// <param name="steps">The job's steps; null when the plan failed before its data was known.</param>
    /// <param name="result">What the planner said.</param>
    public static JsonObject Create(string jobHash, int reductionSlots, Recompute recompute, StepPlan? steps, LayoutResult result)
    {
        var layout = result.Layout;
        var document = new JsonObject
        {
            ["job_hash"] = jobHash,
            ["numeric_class"] = layout is null ? null : NumericClassText.Of(layout.Class),
            ["layout"] = layout is null ? null : new JsonObject { ["replicas"] = layout.Replicas, ["stages"] = layout.NumStages },
        };
        if (steps is not null)
        {
            document["micro_batches_per_step"] = new JsonObject { ["min"] = steps.MinMicroBatchesPerStep, ["max"] = steps.MaxMicroBatchesPerStep };
        }

        document["reduction_slots"] = reductionSlots;
        document["recompute"] = recompute == Recompute.Full ? "full" : "none";
        document["stages"] = new JsonArray([.. (layout?.Stages ?? []).Select(StageOf)]);
        document["spares"] = new JsonArray([.. (layout?.Spares ?? []).Select(spare => (JsonNode)spare)]);
        document["findings"] = new JsonArray([.. result.Findings.Select(FindingOf)]);
        return document;
    }

    private static JsonNode StageOf(PlannedStage stage) => new JsonObject
    {
        ["replica"] = stage.Replica,
        ["stage"] = stage.Stage,
        ["worker"] = stage.WorkerId,
        ["first_layer"] = stage.FirstLayer,
        ["last_layer"] = stage.LastLayer,
        ["embedding"] = stage.Embedding,
        ["head"] = stage.Head,
    };

    private static JsonNode FindingOf(Finding finding) => new JsonObject
    {
        ["severity"] = finding.Severity switch { FindingSeverity.Error => "error", FindingSeverity.Warning => "warning", _ => "info" },
        ["code"] = finding.Code,
        ["message"] = finding.Message,
    };
}
