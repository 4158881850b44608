using Orchestrator.Coordinator.Adapters;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>What a job trains of a model, and the configuration of the adapter that it will leave.</summary>
/// <param name="Modules">All adapted modules in index order; with initial values where the job starts from an adapter.</param>
/// <param name="Config">adapter_config.json of the result.</param>
/// <param name="Start">The adapter that the job starts from, or null.</param>
/// <param name="Warnings">A sentence for each setting that had no effect.</param>
internal sealed record AdapterSetup(IReadOnlyList<AdapterModule> Modules, PeftConfig Config, PeftAdapter? Start, IReadOnlyList<string> Warnings)
{
    /// <summary>Resolves a job's adapter section against its model.</summary>
    /// <param name="adapter">The section.</param>
    /// <param name="model">The model.</param>
    /// <param name="baseModel">The base model's name or path, as the result's configuration shall say it.</param>
    /// <exception cref="InvalidInputException">The targets match nothing, or the adapter to start from does not fit the model.</exception>
    public static AdapterSetup Resolve(AdapterSpec adapter, ModelSpec model, string baseModel)
    {
        var warnings = new List<string>();
        if (adapter.InitFrom is { } folder)
        {
            var start = PeftAdapter.Read(folder);
            return new AdapterSetup(start.Bind(model, warnings), start.Config.WithBase(baseModel), start, warnings);
        }

        var lora = ToLora(adapter);
        var modules = TargetModules.Resolve(model, lora, warnings);
        return new AdapterSetup(modules, PeftConfig.Create(lora, baseModel, modules), null, warnings);
    }

    private static LoraConfig ToLora(AdapterSpec adapter) => new()
    {
        Source = "adapter",
        Rank = adapter.R,
        Alpha = adapter.LoraAlpha,
        Dropout = adapter.LoraDropout,
        TargetModules = ToSelector(adapter.TargetModules),
        ExcludeModules = adapter.ExcludeModules.IsEmpty ? null : ToSelector(adapter.ExcludeModules),
        LayersToTransform = adapter.LayersToTransform,
        RankPattern = adapter.RankPattern,
        AlphaPattern = adapter.AlphaPattern,
        UseRslora = adapter.UseRslora,
    };

    private static ModuleSelector ToSelector(ModuleSelection selection) =>
        selection.IsAllLinear ? ModuleSelector.AllLinear : new ModuleSelector(selection.Pattern, selection.Pattern is null ? selection.Names : null);
}
