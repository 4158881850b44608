using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A finite number in a range whose ends may be excluded; null where <paramref name="absent"/> is given.</summary>
internal sealed class NumberType(double min, bool excludeMin = false, double max = double.PositiveInfinity, bool excludeMax = false, string? absent = null) : KeyType
{
    public override string Expected
    {
        get
        {
            var low = excludeMin ? $"above {YamlText.Plain(min)}" : $"of at least {YamlText.Plain(min)}";
            var high = double.IsInfinity(max) ? "" : excludeMax ? $" and below {YamlText.Plain(max)}" : $" and at most {YamlText.Plain(max)}";
            return $"a number {low}{high}{(absent is null ? "" : $", or {absent}")}";
        }
    }

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, absent))
        {
            return null;
        }

        return node is YamlScalar scalar && YamlText.ToNumber(scalar) is { } value && (excludeMin ? value > min : value >= min) && (excludeMax ? value < max : value <= max)
            ? value
            : context.Wrong(node);
    }

    public override string Write(object? value) => value is null ? absent! : YamlText.Write(value);

    public override JsonObject Schema()
    {
        var number = new JsonObject { ["type"] = "number", [excludeMin ? "exclusiveMinimum" : "minimum"] = min };
        if (!double.IsInfinity(max))
        {
            number[excludeMax ? "exclusiveMaximum" : "maximum"] = max;
        }

        return Absent.Or(number, absent);
    }
}
