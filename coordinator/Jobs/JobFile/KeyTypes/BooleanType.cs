using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>True or false.</summary>
internal sealed class BooleanType : KeyType
{
    public override string Expected => "true or false";

    public override object? Read(YamlNode node, KeyContext context)
        => node is YamlScalar scalar && YamlText.ToBoolean(scalar) is { } value ? value : context.Wrong(node);

    public override JsonObject Schema() => new() { ["type"] = "boolean" };
}
