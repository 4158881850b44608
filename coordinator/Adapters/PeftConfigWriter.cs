using System.Collections.Frozen;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>Writes adapter_config.json as PEFT does: sorted keys, two spaces, no newline at the end.</summary>
internal static class PeftConfigWriter
{
    // Numbers and text as people read them: plain JSON needs no HTML escapes.
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        IndentSize = 2,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The keys that PEFT 0.21 knows in a LoRA configuration; it drops others with a warning.</summary>
    public static FrozenSet<string> KnownKeys { get; } = FrozenSet.Create(
        StringComparer.Ordinal,
        "alora_invocation_tokens", "alpha_pattern", "arrow_config", "auto_mapping", "base_model_name_or_path", "bias", "corda_config", "ensure_weight_tying", "eva_config",
        "exclude_modules", "fan_in_fan_out", "inference_mode", "init_lora_weights", "kasa_config", "layer_replication", "layers_pattern", "layers_to_transform", "loftq_config",
        "lora_alpha", "lora_bias", "lora_dropout", "lora_ga_config", "megatron_config", "megatron_core", "modules_to_save", "monteclora_config", "peft_type", "peft_version",
        "qalora_group_size", "r", "rank_pattern", "revision", "target_modules", "target_parameters", "task_type", "trainable_token_indices", "use_bdlora", "use_dora", "use_qalora",
        "use_rslora", "velora_config");

    /// <summary>The keys of a new adapter's configuration.</summary>
    /// <remarks>Patterns keep their order, since the first match wins; targets that a shorthand named are written as names.</remarks>
    public static byte[] Write(LoraConfig lora, string baseModel, IReadOnlyList<AdapterModule> modules) => WriteObject(json =>
    {
        WritePattern(json, "alpha_pattern", lora.AlphaPattern, alpha => json.WriteRawValue(Number(alpha)));
        json.WriteString("base_model_name_or_path", baseModel);
        json.WriteString("bias", "none");
        WriteSelector(json, "exclude_modules", lora.ExcludeModules);
        json.WriteBoolean("fan_in_fan_out", false);
        json.WriteBoolean("inference_mode", true);
        json.WriteBoolean("init_lora_weights", true);
        WriteList(json, "layers_pattern", lora.LayersPattern, json.WriteStringValue);
        WriteList(json, "layers_to_transform", lora.LayersToTransform, json.WriteNumberValue);
        json.WritePropertyName("lora_alpha");
        json.WriteRawValue(Number(lora.Alpha));
        json.WritePropertyName("lora_dropout");
        json.WriteRawValue(Real(lora.Dropout));
        json.WriteNull("modules_to_save");
        json.WriteString("peft_type", "LORA");
        json.WriteNumber("r", lora.Rank);
        WritePattern(json, "rank_pattern", lora.RankPattern, json.WriteNumberValue);
        json.WriteNull("revision");
        WriteSelector(json, "target_modules", Named(lora.TargetModules, modules));
        json.WriteString("task_type", "CAUSAL_LM");
        json.WriteBoolean("use_dora", false);
        json.WriteBoolean("use_rslora", lora.UseRslora);
    });

    /// <summary>A configuration that was read, with its known keys alone and another base model where one is given.</summary>
    public static byte[] Rewrite(ReadOnlyMemory<byte> bytes, string? baseModel = null)
    {
        using var document = JsonDocument.Parse(bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes);
        Dictionary<string, JsonElement> values = document.RootElement.EnumerateObject().Where(property => KnownKeys.Contains(property.Name))
            .ToDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal);
        const string baseKey = "base_model_name_or_path";
        return WriteObject(json =>
        {
            foreach (string key in values.Keys.Append(baseKey).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                json.WritePropertyName(key);
                if (key == baseKey && baseModel is not null)
                {
                    json.WriteStringValue(baseModel);
                }
                else if (values.TryGetValue(key, out JsonElement value))
                {
                    value.WriteTo(json);
                }
                else
                {
                    json.WriteNullValue();
                }
            }
        });
    }

    private static byte[] WriteObject(Action<Utf8JsonWriter> body)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            body(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    // The shorthand and PEFT's defaults mean modules that other readers do not resolve: the last parts of the adapted names say the same.
    private static ModuleSelector Named(ModuleSelector? targets, IReadOnlyList<AdapterModule> modules) => targets is { IsAllLinear: false }
        ? targets
        : ModuleSelector.Of([.. modules.Select(module => LastPart(module.Module)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);

    private static string LastPart(string module) => module[(module.LastIndexOf('.') + 1)..];

    private static void WriteSelector(Utf8JsonWriter json, string key, ModuleSelector? selector)
    {
        if (selector?.Pattern is { } pattern)
        {
            json.WriteString(key, pattern);
        }
        else
        {
            WriteList(json, key, selector?.Names, json.WriteStringValue);
        }
    }

    private static void WriteList<T>(Utf8JsonWriter json, string key, IReadOnlyList<T>? values, Action<T> write)
    {
        json.WritePropertyName(key);
        if (values is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (T value in values)
        {
            write(value);
        }

        json.WriteEndArray();
    }

    private static void WritePattern<T>(Utf8JsonWriter json, string key, IReadOnlyList<KeyValuePair<string, T>> pattern, Action<T> write)
    {
        json.WriteStartObject(key);
        foreach ((string name, T value) in pattern)
        {
            json.WritePropertyName(name);
            write(value);
        }

        json.WriteEndObject();
    }

    // PEFT types alpha as a whole number, and readers such as llama.cpp take it so where it is one.
    private static string Number(double value) =>
        Math.Floor(value) == value && Math.Abs(value) < 1e15 ? ((long)value).ToString(CultureInfo.InvariantCulture) : Real(value);

    private static string Real(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny(".E") ? text : $"{text}.0";
    }
}
