using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>The adapter folder's README.md: front matter as the Hugging Face hub reads it, and how the adapter was made.</summary>
/// <remarks>Holds no time and no layout: equal adapters have equal cards.</remarks>
internal sealed record ModelCard
{
    /// <summary>The job's name.</summary>
    public required string Name { get; init; }

    /// <summary>The base model as the job names it.</summary>
    public required string BaseModel { get; init; }

    /// <summary>The LoRA configuration.</summary>
    public required LoraConfig Lora { get; init; }

    /// <summary>Further facts of the training, a row each, in order (e.g. <c>Optimizer</c>, <c>adamw</c>).</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    /// <summary>The file's content.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            ---
            base_model: {Quote(BaseModel)}
            library_name: peft
            pipeline_tag: text-generation
            tags:
            - {Quote($"base_model:adapter:{BaseModel}")}
            - lora
            - qlora
            ---

            # {Line(Name)}

            A LoRA adapter for `{Line(BaseModel)}` in PEFT's format. `lineage.json` names the exact base, data and job that it comes from.

            | | |
            |---|---|
            | Rank | {Lora.Rank} |
            | Alpha | {Lora.Alpha.ToString("R", CultureInfo.InvariantCulture)} |
            | Dropout | {Lora.Dropout.ToString("R", CultureInfo.InvariantCulture)} |
            | Scale | {(Lora.UseRslora ? "alpha / sqrt(r)" : "alpha / r")} |
            | Target modules | {Cell(Lora.TargetModules?.ToString() ?? "default")} |

            """);
        foreach ((string name, string value) in Facts)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(name)} | {Cell(value)} |\n");
        }

        text.Append("""

            ```python
            from peft import AutoPeftModelForCausalLM

            model = AutoPeftModelForCausalLM.from_pretrained("path/to/this/folder")
            ```

            """);
        return text.ToString().ReplaceLineEndings("\n");
    }

    // A JSON string is a valid YAML scalar, whatever it holds.
    private static string Quote(string value) => JsonSerializer.Serialize(value);

    private static string Line(string value) => value.ReplaceLineEndings(" ").Replace('`', '\'');

    private static string Cell(string value) => Line(value).Replace("|", "\\|", StringComparison.Ordinal);
}
