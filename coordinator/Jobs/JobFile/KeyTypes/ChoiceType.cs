using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>One of a few words (quoted or not; true and false are words too where they are listed).</summary>
internal sealed class ChoiceType(params string[] choices) : KeyType
{
    public override string Expected => Sentence.Join(choices);

    public override object? Read(YamlNode node, KeyContext context)
        => node is YamlScalar scalar && choices.Contains(scalar.Text, StringComparer.Ordinal) ? scalar.Text : context.Wrong(node);

    public override string Write(object? value) => (string)value!;

    public override JsonObject Schema()
        => new() { ["enum"] = new JsonArray([.. choices.Select(choice => choice is "true" or "false" ? (JsonNode)(choice == "true") : choice)]) };
}
