using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A moment in ISO 8601 without a zone, or null.</summary>
internal sealed class ClockType : KeyType
{
    private static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-dd HH:mm:ss"];

    public override string Expected => "a date or moment such as 2026-02-03 or 2026-02-03T04:05:06, or null";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, "null"))
        {
            return null;
        }

        return node is YamlScalar scalar && DateTime.TryParseExact(scalar.Text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var moment)
            ? moment
            : context.Wrong(node);
    }

    public override string Write(object? value) => value is DateTime moment ? $"\"{moment.ToString("s", CultureInfo.InvariantCulture)}\"" : "null";

    public override JsonObject Schema() => Absent.Or(new JsonObject { ["type"] = "string" }, "null");
}
