using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>Reads adapter_config.json as PEFT does and refuses, by name, what is not built.</summary>
/// <remarks>Keys that PEFT does not know are ignored, as PEFT ignores them. Defaults are PEFT's.</remarks>
internal static class PeftConfigReader
{
    // Initializations that leave the base model as it is; the others change it, and the adapter alone would be wrong.
    private static readonly string[] BaseKeepingInits = ["gaussian", "eva", "orthogonal"];
    private static readonly string[] BaseChangingInits = ["pissa", "olora", "loftq", "corda", "lora_ga"];

    // Settings that change what the adapter computes: accepted only where they are off.
    private static readonly (string Key, string Feature)[] Switches =
    [
        ("use_dora", "DoRA"),
        ("use_qalora", "QALoRA"),
        ("use_bdlora", "BD-LoRA"),
        ("lora_bias", "a bias in the adapter"),
        ("modules_to_save", "saving whole modules"),
        ("layer_replication", "layer replication"),
        ("megatron_config", "Megatron layers"),
        ("target_parameters", "adapters on bare parameters"),
        ("trainable_token_indices", "trainable tokens"),
        ("alora_invocation_tokens", "activated LoRA"),
        ("arrow_config", "Arrow routing"),
        ("kasa_config", "KaSA"),
        ("monteclora_config", "MonteCLoRA"),
        ("velora_config", "VeLoRA"),
    ];

    public static LoraConfig Read(ConfigDocument config)
    {
        Require(config, "peft_type", "LORA", config.Text("peft_type") ?? throw config.Missing("peft_type"));
        Require(config, "task_type", "CAUSAL_LM", config.Text("task_type") ?? "CAUSAL_LM");
        foreach ((string key, string feature) in Switches)
        {
            if (IsOn(config.Find(key)))
            {
                throw new InvalidInputException($"{config.File}: {key} ({feature}) is not built yet.");
            }
        }

        CheckBias(config);
        CheckInit(config);
        return new LoraConfig
        {
            Source = config.File,
            Rank = (int)(config.Integer("r", int.MinValue, int.MaxValue) ?? 8),
            Alpha = config.Number("lora_alpha") ?? 8,
            Dropout = config.Number("lora_dropout") ?? 0,
            TargetModules = Selector(config, "target_modules", keepEmpty: true),
            ExcludeModules = Selector(config, "exclude_modules", keepEmpty: false),
            LayersToTransform = Layers(config),
            LayersPattern = OneOrMore(config, "layers_pattern"),
            RankPattern = Pattern(config, "rank_pattern", (document, key) => (int)document.Integer(key, int.MinValue, int.MaxValue)!),
            AlphaPattern = Pattern(config, "alpha_pattern", (document, key) => document.Number(key)!.Value),
            UseRslora = config.Boolean("use_rslora") ?? false,
        }.Checked();
    }

    private static void Require(ConfigDocument config, string key, string supported, string value)
    {
        if (value != supported)
        {
            throw new InvalidInputException($"{config.File}: {key} '{ForeignText.Clip(value)}' is not supported; supported is {supported}.");
        }
    }

    private static bool IsOn(JsonElement? value) => value is { } element && element.ValueKind switch
    {
        JsonValueKind.False => false,
        JsonValueKind.Array => element.GetArrayLength() > 0,
        JsonValueKind.Object => element.EnumerateObject().Any(),
        _ => true,
    };

    private static void CheckBias(ConfigDocument config)
    {
        string bias = config.Text("bias") ?? "none";
        if (bias != "none")
        {
            string problem = bias is "all" or "lora_only" ? "is not built yet; built is none" : "is unknown; PEFT knows none, all and lora_only";
            throw new InvalidInputException($"{config.File}: bias '{ForeignText.Clip(bias)}' {problem}.");
        }
    }

    private static void CheckInit(ConfigDocument config)
    {
        if (config.Find("init_lora_weights") is not { } value || value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        string init = config.Text("init_lora_weights")!;
        if (BaseChangingInits.Any(name => init.StartsWith(name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidInputException(
                $"{config.File}: init_lora_weights '{ForeignText.Clip(init)}' changes the base model, which is not built yet; convert the adapter to plain LoRA first.");
        }

        if (!BaseKeepingInits.Contains(init, StringComparer.OrdinalIgnoreCase))
        {
            throw new InvalidInputException($"{config.File}: init_lora_weights '{ForeignText.Clip(init)}' is unknown.");
        }
    }

    private static ModuleSelector? Selector(ConfigDocument config, string key, bool keepEmpty)
    {
        if (config.Find(key) is not { } value)
        {
            return null;
        }

        ModuleSelector selector = value.ValueKind == JsonValueKind.String ? new(config.Text(key), null) : new(null, config.Texts(key));
        bool empty = selector.Pattern is { Length: 0 } || selector.Names is { Count: 0 };
        return empty && !keepEmpty ? null : selector;
    }

    private static IReadOnlyList<int>? Layers(ConfigDocument config) => config.Find("layers_to_transform") switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } => [(int)config.Integer("layers_to_transform", int.MinValue, int.MaxValue)!],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _)) =>
            [.. list.EnumerateArray().Select(item => item.GetInt32())],
        { } other => throw config.Wrong("layers_to_transform", "a whole number or a list of them", other),
    };

    private static IReadOnlyList<string>? OneOrMore(ConfigDocument config, string key) => config.Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } => config.Text(key) is { Length: > 0 } one ? [one] : null,
        _ => config.Texts(key),
    };

    private static IReadOnlyList<KeyValuePair<string, T>> Pattern<T>(ConfigDocument config, string key, Func<ConfigDocument, string, T> read)
    {
        if (config.Object(key) is not { } document)
        {
            return [];
        }

        return [.. document.Keys.Select(name => document.Has(name)
            ? KeyValuePair.Create(name, read(document, name))
            : throw document.Missing(name))];
    }
}
