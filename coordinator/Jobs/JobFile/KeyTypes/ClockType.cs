using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A moment in ISO 8601, or null.</summary>
internal sealed class ClockType : KeyType
{
    public override string Expected => $"{ClockText.Expected}, or null";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, "null"))
        {
            return null;
        }

        return node is YamlScalar scalar && ClockText.TryParse(scalar.Text, out var moment)
            ? moment
            : context.Wrong(node);
    }

    public override string Write(object? value) => value is DateTime moment ? $"\"{moment.ToString("s", CultureInfo.InvariantCulture)}\"" : "null";

    public override JsonObject Schema() => Absent.Or(new JsonObject { ["type"] = "string" }, "null");
}
