using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

/// <summary>A job that gives only what it must: everything else has the default of the table of keys.</summary>
internal static class DefaultJob
{
    public static JobSpec Spec { get; } = JobFile.Parse("{name: j, model: /m, output: /o, data: {train: /t}}", "job.yaml", "/", [], "/").Spec!;

    public static TrainingSpec Training => Spec.Training;

    public static DataSpec Data => Spec.Data;

    public static AdapterSpec Adapter => Spec.Adapter;

    public static ResourcesSpec Resources => Spec.Resources;
}
