namespace Orchestrator.Coordinator.Adapters;

/// <summary>Which modules a setting names: a list of names or one regular expression.</summary>
/// <param name="Pattern">A full match on the module's name, or <c>all-linear</c>; null where <paramref name="Names"/> is given.</param>
/// <param name="Names">Each an exact name or a whole dotted suffix.</param>
internal sealed record ModuleSelector(string? Pattern, IReadOnlyList<string>? Names)
{
    /// <summary>Every linear layer but the output head.</summary>
    public static ModuleSelector AllLinear { get; } = new("all-linear", null);

    /// <summary>Whether this is the shorthand for every linear layer but the output head.</summary>
    public bool IsAllLinear => string.Equals(Pattern, "all-linear", StringComparison.OrdinalIgnoreCase);

    /// <summary>Selects by names.</summary>
    public static ModuleSelector Of(params IReadOnlyList<string> names) => new(null, names);

    public override string ToString() => Pattern ?? $"[{string.Join(", ", Names!)}]";
}

/// <summary>The LoRA configuration that is built, with PEFT's meanings.</summary>
/// <remarks>Immutable. Features that are not built have no place here: whoever makes one refuses them by name first.</remarks>
internal sealed record LoraConfig
{
    /// <summary>What messages call it: <c>adapter</c> for a job file's section, else the configuration's path.</summary>
    public string Source { get; init; } = "adapter";

    /// <summary>PEFT's <c>r</c>.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>PEFT's <c>lora_alpha</c>.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>PEFT's <c>lora_dropout</c>, from 0 to below 1.</summary>
    public double Dropout { get; init; }

    /// <summary>Null: PEFT's default for the family (q_proj and v_proj).</summary>
    public ModuleSelector? TargetModules { get; init; }

    /// <summary>Wins over the targets.</summary>
    public ModuleSelector? ExcludeModules { get; init; }

    /// <summary>Layers to adapt; null or empty: all. A module named exactly is adapted whatever its layer, as in PEFT.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>Regular expressions for the name before the layer's number; null or empty: any.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    /// <summary>Ranks of their own, first match wins; keys match as <c>(.*\.)?(key)$</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>Alphas of their own, first match wins; keys match as <c>(.*\.)?(key)$</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>Scale alpha / sqrt(r) instead of alpha / r.</summary>
    public bool UseRslora { get; init; }

    /// <summary>Refuses what PEFT refuses, whatever the model.</summary>
    public LoraConfig Checked()
    {
        Check(Rank > 0, $"r must be a positive whole number, not {Rank}");
        Check(double.IsFinite(Alpha), $"lora_alpha must be a finite number, not {Alpha}");
        Check(Dropout is >= 0 and < 1, $"lora_dropout must be from 0 to below 1, not {Dropout}");
        foreach ((string key, int rank) in RankPattern)
        {
            Check(rank > 0, $"rank_pattern gives '{key}' the rank {rank}; a rank is a positive whole number");
        }

        foreach ((string key, double alpha) in AlphaPattern)
        {
            Check(double.IsFinite(alpha), $"alpha_pattern gives '{key}' an alpha that is no finite number");
        }

        bool pattern = LayersPattern is { Count: > 0 };
        Check(LayersToTransform is null || TargetModules?.Pattern is null, "layers_to_transform cannot be used when target_modules is a string");
        Check(!pattern || TargetModules?.Pattern is null, "layers_pattern cannot be used when target_modules is a string");
        Check(!pattern || LayersToTransform is { Count: > 0 }, "layers_pattern is given without layers_to_transform");
        Check(TargetModules?.Names is not { Count: 0 }, "target_modules is empty, so nothing would be trained");
        return this;
    }

    private void Check(bool fine, string problem)
    {
        if (!fine)
        {
            throw new InvalidInputException($"{Source}: {problem}.");
        }
    }
}
