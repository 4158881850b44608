using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Coordinator.Placement;

/// <summary>Lays replicas x stages over workers of one numeric class.</summary>
/// <remarks>A pure function: the same request gives the same result. It prefers replicas; stages come only by an explicit layout.</remarks>
internal static class LayoutPlanner
{
    /// <summary>Decides who does what, or says why nobody can.</summary>
    public static LayoutResult Plan(LayoutRequest request)
    {
        if (Impossible(request) is { } refusal)
        {
            return Refused(refusal.Code, refusal.Message, waits: false, []);
        }

        var chosen = ClassChoice.Make(request);
        if (chosen.Class is null)
        {
            return Refused("no-workers", chosen.Reason, waits: true, chosen.Findings);
        }

        var layout = request.Job.Layout ?? Automatic(request, chosen.Workers.Count);
        var needed = request.Job.Layout is null ? request.Job.Resources.Workers ?? 1 : (int)LayoutRules.WorkersOf(layout);
        if (chosen.Workers.Count < needed)
        {
            return Refused(
                "too-few-workers",
                $"The job needs {Sentence.Count(needed, "worker")} of one numeric class and {Sentence.Count(chosen.Workers.Count, "worker")} of {NumericClassText.Of(chosen.Class)} {(chosen.Workers.Count == 1 ? "is" : "are")} attached; {Remedy(request, chosen.Workers.Count, needed)}.",
                waits: true,
                chosen.Findings);
        }

        return Laid(request, layout, chosen);
    }

    /// <summary>Layers of each stage: as given, or as equal as possible with the longer ranges first (the last stage has the head besides).</summary>
    internal static IReadOnlyList<int> LayersOf(LayoutSpec layout, int numLayers)
        => layout.Layers is { } layers
            ? layers
            : [.. Enumerable.Range(0, layout.Stages).Select(stage => (numLayers / layout.Stages) + (stage < numLayers % layout.Stages ? 1 : 0))];

    // What no fleet could serve.
    private static (string Code, string Message)? Impossible(LayoutRequest request)
    {
        var (layout, slots) = (request.Job.Layout, request.Job.Training.ReductionSlots);
        if (layout is null)
        {
            return null;
        }

        if (LayoutRules.CheckReplicas(layout, slots) is { } tooMany)
        {
            return ("too-many-replicas", $"{tooMany}.");
        }

        if (layout.Stages > request.NumLayers)
        {
            return ("too-many-stages", $"layout.stages is {layout.Stages}, but the model has only {Sentence.Count(request.NumLayers, "layer")}; a stage needs at least one.");
        }

        if (layout.Layers is { } layers && layers.Sum(count => (long)count) != request.NumLayers)
        {
            return ("layers-mismatch", $"layout.layers adds up to {layers.Sum(count => (long)count)}, but the model has {Sentence.Count(request.NumLayers, "layer")}.");
        }

        return LayoutRules.CheckWorkers(layout, request.Job.Resources.Workers) is { } tooFew ? ("too-few-workers", $"{tooFew}.") : null;
    }

    /// <summary>What brings the workers that are missing: a person, or this run itself, which starts its own.</summary>
    private static string Remedy(LayoutRequest request, int fitting, int needed)
    {
        var missing = needed - fitting;
        return request.MaxWorkers is not { } most ? $"start {missing} more"
            : most < needed ? $"this run starts {most} and no more, so start it with --workers {needed}"
            : request.Workers.Count + missing <= most ? $"{missing} more {(missing == 1 ? "is" : "are")} starting"
            : "the others of this run are of another class";
    }

    private static LayoutSpec Automatic(LayoutRequest request, int workers)
    {
        var useful = SlotCount.Of(request.MaxMicroBatchesPerStep, request.Job.Training.ReductionSlots);
        return new LayoutSpec { Replicas = Math.Min(useful, Math.Min(workers, request.Job.Resources.Workers ?? workers)), Stages = 1 };
    }

    private static LayoutResult Laid(LayoutRequest request, LayoutSpec layout, ClassChoice chosen)
    {
        var layers = LayersOf(layout, request.NumLayers);
        var stages = new List<PlannedStage>();
        for (var rank = 0; rank < layout.Replicas * layout.Stages; rank++)
        {
            var (replica, stage) = (rank / layout.Stages, rank % layout.Stages);
            var first = layers.Take(stage).Sum();
            stages.Add(new PlannedStage(
                rank, replica, stage, chosen.Workers[rank].WorkerId, first, first + layers[stage] - 1, Embedding: stage == 0, Head: stage == layout.Stages - 1));
        }

        var spares = chosen.Workers.Skip(stages.Count).Select(worker => worker.WorkerId).ToList();
        var findings = new List<Finding>(chosen.Findings);
        var slots = SlotCount.Of(request.MaxMicroBatchesPerStep, request.Job.Training.ReductionSlots);
        if (layout.Replicas > slots)
        {
            findings.Add(new Finding(
                FindingSeverity.Warning,
                "idle-replicas",
                $"A step has at most {Sentence.Count(request.MaxMicroBatchesPerStep, "micro-batch", "micro-batches")} and so {Sentence.Count(slots, "slot")}: {layout.Replicas - slots} of {layout.Replicas} replicas only vote; lower training.micro_batch_tokens or raise training.global_batch_size."));
        }

        if (spares.Count > 0)
        {
            findings.Add(new Finding(FindingSeverity.Info, "spares", $"{Sentence.Count(spares.Count, "worker")} take no part and stand by: {string.Join(", ", spares)}."));
        }

        var reason = $"{Sentence.Count(layout.Replicas, "replica")} of {Sentence.Count(layout.Stages, "stage")} on {Sentence.Count(stages.Count, "worker")} of {NumericClassText.Of(chosen.Class!)}.";
        return new LayoutResult(new LayoutPlan(layout.Replicas, layout.Stages, chosen.Class!, stages, spares), false, reason, findings);
    }

    private static LayoutResult Refused(string code, string message, bool waits, IReadOnlyList<Finding> findings)
        => new(null, waits, message, [new Finding(FindingSeverity.Error, code, message), .. findings]);
}
