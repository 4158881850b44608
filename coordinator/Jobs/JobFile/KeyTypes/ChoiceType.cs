using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>One of a few words (quoted or not; true and false are words too where they are listed); <see cref="Unset"/> (auto) is read as null.</summary>
internal sealed class ChoiceType(params string[] choices) : KeyType
{
    /// <summary>The word for "not given"; null: there is none.</summary>
    public string? Unset { get; init; }

    /// <summary>The words, in the order in which they are told.</summary>
    public IReadOnlyList<string> Choices => Unset is null ? choices : [.. choices, Unset];

    public override string Expected => Sentence.Join(Choices);

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, Unset))
        {
            return null;
        }

        return node is YamlScalar scalar && choices.Contains(scalar.Text, StringComparer.Ordinal) ? scalar.Text : context.Wrong(node);
    }

    public override string Write(object? value) => (string?)value ?? Unset!;

    public override JsonObject Schema()
        => Absent.Or(new() { ["enum"] = new JsonArray([.. choices.Select(choice => choice is "true" or "false" ? (JsonNode)(choice == "true") : choice)]) }, Unset);
}
