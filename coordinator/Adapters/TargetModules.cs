using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>Finds the linear layers that a LoRA configuration adapts, exactly as PEFT matches them.</summary>
/// <remarks>Pure. The result is in (layer, module) order with consecutive indices from 0 and consecutive chunks; every stage takes its part of it.</remarks>
internal static class TargetModules
{
    /// <summary>Elements of a reduction chunk; every parameter starts a chunk of its own.</summary>
    public const int ChunkElements = 65_536;

    // PEFT's TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING says the same for each supported family.
    private static readonly ModuleSelector FamilyDefault = ModuleSelector.Of("q_proj", "v_proj");

    /// <summary>All adapted modules of the model, without initial values.</summary>
    /// <param name="model">The model.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="warnings">Takes a sentence for each setting that had no effect.</param>
    /// <exception cref="InvalidInputException">The configuration is wrong, names a module that is no linear layer, or matches nothing.</exception>
    public static IReadOnlyList<AdapterModule> Resolve(ModelSpec model, LoraConfig config, ICollection<string>? warnings = null)
    {
        config.Checked();
        var match = new ModuleMatch(config, config.TargetModules ?? FamilyDefault);
        List<LinearLayer> targets = [];
        bool excluded = false;
        foreach (ModelModule module in ModuleTree.Of(model))
        {
            switch (match.Decide(module))
            {
                case ModuleDecision.Excluded:
                    excluded = true;
                    break;
                case ModuleDecision.Targeted:
                    targets.Add(module.Linear ?? throw NotLinear(config, module));
                    break;
            }
        }

        if (targets.Count == 0)
        {
            throw NothingMatched(config, match.Targets, excluded, model);
        }

        if (!excluded && config.ExcludeModules is not null)
        {
            warnings?.Add($"{config.Source}: exclude_modules {config.ExcludeModules} excludes nothing.");
        }

        var ranks = new KeyPatterns<int>(config.RankPattern, $"{config.Source}: rank_pattern");
        var alphas = new KeyPatterns<double>(config.AlphaPattern, $"{config.Source}: alpha_pattern");
        List<AdapterModule> modules = Number(config, targets, ranks, alphas);
        foreach (string unused in ranks.Unused.Concat(alphas.Unused))
        {
            warnings?.Add($"{unused} matches no targeted module.");
        }

        return modules;
    }

    /// <summary>Chunks of all modules together.</summary>
    public static uint NumChunks(IReadOnlyList<AdapterModule> modules) => modules.Count == 0
        ? 0
        : checked(modules[^1].FirstChunk + Chunks((int)modules[^1].Rank, modules[^1].InFeatures) + Chunks((int)modules[^1].Rank, modules[^1].OutFeatures));

    private static List<AdapterModule> Number(LoraConfig config, List<LinearLayer> targets, KeyPatterns<int> ranks, KeyPatterns<double> alphas)
    {
        var modules = new List<AdapterModule>(targets.Count);
        uint chunk = 0;
        foreach (LinearLayer target in targets)
        {
            int rank = ranks.Find(target.Module) ?? config.Rank;
            double alpha = alphas.Find(target.Module) ?? config.Alpha;
            modules.Add(new AdapterModule
            {
                Module = target.Module,
                Index = (uint)modules.Count,
                InFeatures = target.InFeatures,
                OutFeatures = target.OutFeatures,
                Rank = (uint)rank,
                Scale = config.UseRslora ? alpha / Math.Sqrt(rank) : alpha / rank,
                Dropout = config.Dropout,
                FirstChunk = chunk,
                Layer = target.Layer ?? throw new InvalidOperationException($"{target.Module} is in no decoder layer."),
            });
            chunk = checked(chunk + Chunks(rank, target.InFeatures) + Chunks(rank, target.OutFeatures));
        }

        return modules;
    }

    private static uint Chunks(int rank, uint features) => checked((uint)((((ulong)rank * features) + ChunkElements - 1) / ChunkElements));

    private static InvalidInputException NotLinear(LoraConfig config, ModelModule module) => new(module.Kind switch
    {
        ModuleKind.Embedding or ModuleKind.Head =>
            $"{config.Source}: target_modules name {module.Name}; adapters on the embedding and the output head are not built yet, "
            + "target the linear layers of the decoder.",
        _ => $"{config.Source}: target_modules match {(module.Name.Length == 0 ? "the model itself" : module.Name)}, which is no linear layer; name linear layers only.",
    });

    private static InvalidInputException NothingMatched(LoraConfig config, ModuleSelector targets, bool excluded, ModelSpec model)
    {
        string names = string.Join(", ", ModelTensors.LinearsOf(model, 0).Select(linear => linear.Module.Split('.')[^1]));
        string layers = config.LayersToTransform is { Count: > 0 } chosen ? $" in layers_to_transform [{string.Join(", ", chosen)}]" : "";
        string cause = excluded ? $" that exclude_modules {config.ExcludeModules} leaves" : "";
        return new InvalidInputException(
            $"{config.Source}: target_modules {ForeignText.Clip(targets.ToString())} match no linear layer{layers}{cause}; the model's {model.NumLayers} layers have {names}.");
    }
}
