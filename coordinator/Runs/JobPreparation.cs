using System.Security.Cryptography;
using System.Text;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Reads everything that a job needs before it needs a worker.</summary>
/// <remarks>Runs on the thread pool, outside the entity. The same files give the same material.</remarks>
internal static class JobPreparation
{
    /// <summary>Sections of the job file that say where a job runs and not what it computes.</summary>
    private static readonly string[] PlaceSections = ["output:", "layout:", "resources:"];

    /// <exception cref="InvalidInputException">The model or the data is not what the job needs.</exception>
    public static async Task<JobMaterial> RunAsync(JobSpec spec, string resolvedYaml, string dataFolder, IProgress<string> progress, CancellationToken cancellationToken)
    {
        var model = ModelFolder.Open(spec.Model);
        var (config, modules) = Adapter(spec, model);
        var data = await DatasetPreparer.PrepareAsync(spec, (int)model.Spec.VocabSize, dataFolder, new Throttled(progress), cancellationToken);
        return new JobMaterial
        {
            Spec = spec,
            JobHash = Hash(resolvedYaml, data),
            Model = model,
            ModelHash = model.HashAsync(cancellationToken),
            AdapterConfig = config,
            Modules = modules,
            Data = data,
            Steps = StepPlan.Create(spec, data),
        };
    }

    private static (PeftConfig Config, IReadOnlyList<Protos.AdapterModule> Modules) Adapter(JobSpec spec, ModelFolder model)
    {
        if (spec.Adapter.InitFrom is { } folder)
        {
            var adapter = PeftAdapter.Read(folder);
            return (adapter.Config.WithBase(spec.Model), adapter.Bind(model.Spec));
        }

        var lora = Lora(spec.Adapter);
        var modules = TargetModules.Resolve(model.Spec, lora);
        return (PeftConfig.Create(lora, spec.Model, modules), modules);
    }

    private static LoraConfig Lora(AdapterSpec adapter) => new()
    {
        Rank = adapter.R,
        Alpha = adapter.LoraAlpha,
        Dropout = adapter.LoraDropout,
        TargetModules = Selector(adapter.TargetModules),
        ExcludeModules = adapter.ExcludeModules.IsEmpty ? null : Selector(adapter.ExcludeModules),
        LayersToTransform = adapter.LayersToTransform,
        RankPattern = adapter.RankPattern,
        AlphaPattern = adapter.AlphaPattern,
        UseRslora = adapter.UseRslora,
    };

    private static ModuleSelector Selector(ModuleSelection selection) => selection.IsAllLinear
        ? ModuleSelector.AllLinear
        : selection.Pattern is { } pattern ? new ModuleSelector(pattern, null) : ModuleSelector.Of(selection.Names);

    private static string Hash(string resolvedYaml, PreparedDataset data)
    {
        var text = new StringBuilder();
        var skip = false;
        foreach (var line in resolvedYaml.Split('\n'))
        {
            skip = line.Length > 0 && !char.IsWhiteSpace(line[0]) ? PlaceSections.Any(section => line.StartsWith(section, StringComparison.Ordinal)) : skip;
            if (!skip)
            {
                text.Append(line).Append('\n');
            }
        }

        text.Append(data.Train.Shard.Sha256).Append('\n').Append(data.Eval?.Shard.Sha256).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Two lines of progress a second, on the caller's thread.</summary>
    private sealed class Throttled(IProgress<string> progress) : IProgress<DatasetProgress>
    {
        private const long Interval = 500;
        private long _next;

        public void Report(DatasetProgress value)
        {
            var now = Environment.TickCount64;
            if (now < _next)
            {
                return;
            }

            _next = now + Interval;
            progress.Report($"The data is being read: {Path.GetFileName(value.File)}, {value.Rows} rows.");
        }
    }
}
