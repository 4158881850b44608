namespace Orchestrator.Coordinator.Jobs;

/// <summary>What an explicit layout asks of the rest of its job: said once, for the job file, the planner and the command line.</summary>
/// <remarks>Pure. The sentences have no full stop, so that each reader can go on.</remarks>
internal static class LayoutRules
{
    /// <summary>Workers that the layout takes.</summary>
    public static long WorkersOf(LayoutSpec layout) => (long)layout.Replicas * layout.Stages;

    /// <summary>What is wrong with its replicas; null: nothing.</summary>
    public static string? CheckReplicas(LayoutSpec layout, long reductionSlots) => layout.Replicas <= reductionSlots
        ? null
        : $"layout.replicas is {layout.Replicas}, but a job has at most training.reduction_slots = {reductionSlots} replicas; lower the one or raise the other";

    /// <summary>What is wrong with the workers that the job may take (null: any number); null: nothing.</summary>
    public static string? CheckWorkers(LayoutSpec layout, long? workers) => workers is null || WorkersOf(layout) <= workers
        ? null
        : $"layout {layout.Replicas} x {layout.Stages} (replicas x stages) needs {WorkersOf(layout)} workers, but resources.workers is {workers}";
}
