using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>What a configuration says about one module.</summary>
internal enum ModuleDecision
{
    /// <summary>Left alone.</summary>
    Ignored,

    /// <summary>Adapted.</summary>
    Targeted,

    /// <summary>Left alone because exclude_modules says so.</summary>
    Excluded,
}

/// <summary>PEFT's <c>check_target_module_exists</c> for one configuration.</summary>
internal sealed class ModuleMatch
{
    private readonly LoraConfig _config;
    private readonly Regex? _targetPattern;
    private readonly Regex? _excludePattern;
    private readonly Regex[] _layerPatterns;

    public ModuleMatch(LoraConfig config, ModuleSelector targets)
    {
        _config = config;
        Targets = targets;
        _targetPattern = targets is { Pattern: { } pattern, IsAllLinear: false } ? PythonRegex.FullMatch(pattern, Where("target_modules")) : null;
        _excludePattern = config.ExcludeModules?.Pattern is { } exclude ? PythonRegex.FullMatch(exclude, Where("exclude_modules")) : null;
        _layerPatterns = config.LayersPattern is { Count: > 0 } patterns ? [.. patterns.Select(LayerPattern)] : [LayerPattern("[^.]*")];
    }

    /// <summary>The targets in force.</summary>
    public ModuleSelector Targets { get; }

    public ModuleDecision Decide(ModelModule module)
    {
        if (Selects(_config.ExcludeModules, _excludePattern, module.Name, "exclude_modules"))
        {
            return ModuleDecision.Excluded;
        }

        bool targeted = Targets.IsAllLinear ? module.Kind == ModuleKind.Linear
            : Targets.Names is { } names && !names.Contains(module.Name) ? Selects(Targets, null, module.Name, "") && InChosenLayer(module.Name)
            : Selects(Targets, _targetPattern, module.Name, "target_modules");
        return targeted ? ModuleDecision.Targeted : ModuleDecision.Ignored;
    }

    private bool Selects(ModuleSelector? selector, Regex? pattern, string name, string key) => selector switch
    {
        null => false,
        { Names: { } names } => names.Any(entry => name == entry || name.EndsWith($".{entry}", StringComparison.Ordinal)),
        _ => PythonRegex.IsMatch(pattern!, name, Where(key)),
    };

    private bool InChosenLayer(string name)
    {
        if (_config.LayersToTransform is not { Count: > 0 } layers)
        {
            return true;
        }

        Match? match = _layerPatterns.Select(pattern => PythonRegex.Find(pattern, name, Where("layers_pattern"))).FirstOrDefault(found => found.Success);
        return match is not null && int.TryParse(match.Groups["__layer"].ValueSpan, out int layer) && layers.Contains(layer);
    }

    // Python takes the layer's number from the first group, so the pattern itself may have none.
    private Regex LayerPattern(string pattern)
    {
        Regex regex = PythonRegex.MatchWithin(@".*\.", pattern, @"\.(?<__layer>\d+)\.", Where("layers_pattern"));
        return regex.GetGroupNumbers().Length == 2
            ? regex
            : throw new InvalidInputException($"{Where("layers_pattern")}: '{ForeignText.Clip(pattern)}' has a group, which is not supported here; write (?:...) instead.");
    }

    private string Where(string key) => $"{_config.Source}: {key}";
}
