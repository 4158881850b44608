using System.Globalization;
using System.Text.Json;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>Reads a Hugging Face config.json into plain facts.</summary>
/// <remarks>
/// Pure. Both the spelling of transformers 5 and the older ones give the same <see cref="ModelSpec"/>. Defaults are those of transformers for the family.
/// What the worker cannot compute is refused by name.
/// </remarks>
internal static class ModelConfig
{
    private const long MaxSize = 1 << 24;
    private const long MaxLayers = 10_000;

    /// <summary>The families that can be trained.</summary>
    public static IReadOnlyList<string> SupportedFamilies { get; } = ["llama", "mistral", "qwen2"];

    /// <summary>Reads <c>config.json</c> alone; no weights are needed.</summary>
    public static ModelSpec Read(string file) => Read(ConfigDocument.Read(file));

    /// <summary>Reads a parsed configuration.</summary>
    public static ModelSpec Read(ConfigDocument config)
    {
        string family = Family(config);
        RefusePrequantized(config);
        uint hidden = Size(config, "hidden_size");
        uint heads = Size(config, "num_attention_heads");
        var spec = new ModelSpec
        {
            Family = family,
            VocabSize = Size(config, "vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = Size(config, "intermediate_size"),
            NumLayers = (uint)(config.Integer("num_hidden_layers", 1, MaxLayers) ?? throw config.Missing("num_hidden_layers")),
            NumAttentionHeads = heads,
            NumKeyValueHeads = KeyValueHeads(config, family, heads),
            HeadDim = HeadDim(config, hidden, heads),
            RmsNormEps = RmsNormEps(config),
            Activation = Activation(config),
            TieWordEmbeddings = config.Boolean("tie_word_embeddings") ?? false,
            QkvBias = family == "qwen2" || (family == "llama" && (config.Boolean("attention_bias") ?? false)),
            AttentionOutputBias = family == "llama" && (config.Boolean("attention_bias") ?? false),
            MlpBias = family == "llama" && (config.Boolean("mlp_bias") ?? false),
            RopeAttentionFactor = 1,
            MaxPositionEmbeddings = (uint)(config.Integer("max_position_embeddings", 1, int.MaxValue) ?? DefaultPositions(family)),
        };
        spec.RopeInverseFrequencies.AddRange(RopeFrequencies.Read(config, spec.HeadDim));
        spec.AttentionWindows.AddRange(AttentionWindows.Read(config, family, (int)spec.NumLayers));
        return spec;
    }

    private static string Family(ConfigDocument config)
    {
        string family = config.Text("model_type")
            ?? throw new InvalidInputException($"{config.File} lacks model_type, so the model's family is unknown; supported are {string.Join(", ", SupportedFamilies)}.");
        return SupportedFamilies.Contains(family)
            ? family
            : throw new InvalidInputException($"{config.File}: model family '{ForeignText.Clip(family)}' is not supported; supported are {string.Join(", ", SupportedFamilies)}.");
    }

    private static void RefusePrequantized(ConfigDocument config)
    {
        if (config.Find("quantization_config") is { } quantization)
        {
            string method = quantization.ValueKind == JsonValueKind.Object
                && quantization.TryGetProperty("quant_method", out JsonElement name) && name.ValueKind == JsonValueKind.String
                ? $" by {ForeignText.Clip(name.GetRawText().Trim('"'))}"
                : "";
            throw new InvalidInputException(
                $"{config.File}: the model is already quantized{method} (quantization_config), which is not built yet; "
                + "give the 16-bit model, it is quantized while it loads.");
        }
    }

    private static uint Size(ConfigDocument config, string key) =>
        (uint)(config.Integer(key, 1, MaxSize) ?? throw config.Missing(key));

    private static uint KeyValueHeads(ConfigDocument config, string family, uint heads)
    {
        // An absent key is transformers' default of the family, a null means "as the heads".
        uint absent = config.Root.TryGetProperty("num_key_value_heads", out _) ? heads : family switch { "mistral" => 8, "qwen2" => 32, _ => heads };
        uint keyValueHeads = (uint)(config.Integer("num_key_value_heads", 1, MaxSize) ?? absent);
        return heads % keyValueHeads == 0
            ? keyValueHeads
            : throw new InvalidInputException($"{config.File}: num_attention_heads ({heads}) is no multiple of num_key_value_heads ({keyValueHeads}).");
    }

    private static uint HeadDim(ConfigDocument config, uint hidden, uint heads)
    {
        if (config.Integer("head_dim", 1, 65_536) is { } given)
        {
            return given % 2 == 0 ? (uint)given : throw new InvalidInputException($"{config.File}: head_dim ({given}) must be even for rotary embeddings.");
        }

        return hidden % heads == 0 && hidden / heads % 2 == 0 && hidden / heads <= 65_536
            ? hidden / heads
            : throw new InvalidInputException($"{config.File}: hidden_size ({hidden}) over num_attention_heads ({heads}) gives no even head size, and there is no head_dim.");
    }

    private static double RmsNormEps(ConfigDocument config)
    {
        double epsilon = config.Number("rms_norm_eps") ?? 1e-6;
        return epsilon >= 0 ? epsilon : throw new InvalidInputException($"{config.File}: rms_norm_eps ({epsilon.ToString(CultureInfo.InvariantCulture)}) must not be negative.");
    }

    private static string Activation(ConfigDocument config)
    {
        string activation = config.Text("hidden_act") ?? "silu";
        return activation is "silu" or "swish"
            ? "silu"
            : throw new InvalidInputException($"{config.File}: activation '{ForeignText.Clip(activation)}' (hidden_act) is not supported; supported is silu.");
    }

    private static long DefaultPositions(string family) => family switch { "mistral" => 131_072, "qwen2" => 32_768, _ => 2048 };
}
