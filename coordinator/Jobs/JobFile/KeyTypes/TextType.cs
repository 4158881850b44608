using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>Any text that is not empty, or null where that is allowed.</summary>
internal sealed class TextType(string? absent = null) : KeyType
{
    public override string Expected => $"a text{(absent is null ? "" : $", or {absent}")}";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, absent))
        {
            return null;
        }

        return node is YamlScalar { IsNull: false, Text.Length: > 0 } scalar ? scalar.Text : context.Wrong(node);
    }

    public override string Write(object? value) => value is null ? absent! : YamlText.Write(value);

    public override JsonObject Schema() => Absent.Or(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, absent);
}
