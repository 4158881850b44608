namespace Orchestrator.Coordinator.Jobs;

/// <summary>What several keys of a job must be to each other.</summary>
/// <remarks>A rule is checked only where every key it needs was read; each broken rule is reported at the key that a person would change.</remarks>
internal static class JobRules
{
    private static readonly string[] OfAdam = ["training.adam_beta1", "training.adam_beta2", "training.adam_epsilon"];

    private static readonly string[] OfSgd = ["training.momentum"];

    public static void Check(JobValues values, JobFileErrors errors)
    {
        if (values.Differs("data.eval") && values.Differs("data.eval_split"))
        {
            errors.Add(values.PlaceOf("data.eval_split"), "data.eval and data.eval_split are both given; keep one of them");
        }

        if (values.Differs("adapter.init_from"))
        {
            // Also where it stands at its default: what the adapter has is another value.
            RefuseEach(values, JobKeys.OfInitialAdapter.Where(values.IsGiven), "comes from the adapter in adapter.init_from and cannot be set beside it; remove it", errors);
        }

        CheckOptimizer(values, errors);
        CheckTargets(values, errors);
        if (values.Differs("layout"))
        {
            CheckLayout(values, values.Get<LayoutSpec>("layout"), errors);
        }
    }

    private static void CheckOptimizer(JobValues values, JobFileErrors errors)
    {
        if (!values.Has("training.optimizer"))
        {
            return;
        }

        if (values.Get<string>("training.optimizer") == "sgd")
        {
            RefuseEach(values, OfAdam.Where(values.Differs), "belongs to the optimizer adamw, but training.optimizer is sgd; remove it", errors);
        }
        else
        {
            RefuseEach(values, OfSgd.Where(values.Differs), "belongs to the optimizer sgd, but training.optimizer is adamw; remove it (adamw has adam_beta1)", errors);
        }
    }

    private static void CheckTargets(JobValues values, JobFileErrors errors)
    {
        if (values.Differs("adapter.target_modules") && values.Get<ModuleSelection>("adapter.target_modules").IsEmpty)
        {
            errors.Add(values.PlaceOf("adapter.target_modules"), "adapter.target_modules is empty, so nothing would be trained; name modules, or all-linear");
        }

        if (values.Differs("adapter.exclude_modules") && values.Get<ModuleSelection>("adapter.exclude_modules").IsAllLinear)
        {
            errors.Add(values.PlaceOf("adapter.exclude_modules"), "adapter.exclude_modules must be a list of names or a regular expression, not all-linear");
        }
    }

    private static void CheckLayout(JobValues values, LayoutSpec layout, JobFileErrors errors)
    {
        var place = values.PlaceOf("layout");
        if (layout.Layers is { } layers && layers.Count != layout.Stages)
        {
            errors.Add(place, $"layout.layers has {layers.Count} numbers where layout.stages is {layout.Stages}; give one for each stage");
        }

        if (values.Has("training.reduction_slots") && LayoutRules.CheckReplicas(layout, values.Get<long>("training.reduction_slots")) is { } tooMany)
        {
            errors.Add(place, tooMany);
        }

        if (values.Has("resources.workers") && LayoutRules.CheckWorkers(layout, values.Get<long?>("resources.workers")) is { } tooFew)
        {
            errors.Add(place, tooFew);
        }
    }

    private static void RefuseEach(JobValues values, IEnumerable<string> paths, string why, JobFileErrors errors)
    {
        foreach (var path in paths)
        {
            errors.Add(values.PlaceOf(path), $"{path} {why}");
        }
    }
}
