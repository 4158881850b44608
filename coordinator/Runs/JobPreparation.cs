using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Placement;
using Orchestrator.Coordinator.Preflight;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Reads everything that a job needs before it needs a worker.</summary>
/// <remarks>Runs on the thread pool, outside the entity. The same files give the same material.</remarks>
internal static class JobPreparation
{
    /// <exception cref="InvalidInputException">The model or the data is not what the job needs.</exception>
    public static async Task<JobMaterial> RunAsync(JobSpec spec, string dataFolder, IProgress<string> progress, CancellationToken cancellationToken)
    {
        var model = ModelFolder.Open(spec.Model);
        var adapter = AdapterSetup.Resolve(spec.Adapter, model.Spec, spec.Model);
        var skip = SkipModules.Resolve(model.Spec, spec.Quantization.SkipModules);
        var hashing = Task.Run(() => HashesAsync(spec, model, cancellationToken), cancellationToken);
        var data = await DatasetPreparer.PrepareAsync(spec, (int)model.Spec.VocabSize, dataFolder, new PreparationProgress(progress, TimeProvider.System), cancellationToken);
        var preflight = PreflightCheck.Run(spec, data, (int)model.Spec.VocabSize);
        preflight.ThrowOnErrors();
        var steps = StepPlan.Create(spec, data, cancellationToken);
        var (modelHash, startHash) = await hashing;
        return new JobMaterial
        {
            Spec = spec,
            JobHash = JobHash.Compute(spec, Contents(modelHash, data, startHash)),
            Model = model,
            ModelHash = modelHash,
            AdapterConfig = adapter.Config,
            StartHash = startHash,
            Modules = adapter.Modules,
            Skip = skip,
            Data = data,
            Steps = steps,
            Preflight = [.. PreflightText.Lines(preflight).Select(line => line.Text)],
            Findings = [.. adapter.Warnings.Select(text => new Finding(FindingSeverity.Warning, "no-effect", text)), .. preflight.Findings],
        };
    }

    private static async Task<(FilesHash Model, FilesHash? Start)> HashesAsync(JobSpec spec, ModelFolder model, CancellationToken cancellationToken)
    {
        var start = spec.Adapter.InitFrom is { } folder
            ? await FilesHash.ComputeAsync(folder, [Path.Combine(folder, PeftAdapter.ConfigFile), Path.Combine(folder, PeftAdapter.WeightsFile)], cancellationToken)
            : null;
        return (await model.HashAsync(cancellationToken), start);
    }

    private static IEnumerable<string> Contents(FilesHash model, PreparedDataset data, FilesHash? start)
    {
        yield return model.Sha256;
        yield return data.Train.Shard.Sha256;
        yield return data.Eval?.Shard.Sha256 ?? "";
        yield return start?.Sha256 ?? "";
    }
}
