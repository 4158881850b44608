using System.Numerics;
using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A whole number in a range; <paramref name="absent"/> (auto or null) is read as null.</summary>
internal sealed class IntegerType(long min, long max = int.MaxValue, string? absent = null, bool powerOfTwo = false) : KeyType
{
    public override string Expected
        => $"{(powerOfTwo ? "a power of two" : "a whole number")}{(max is int.MaxValue or long.MaxValue ? $" of at least {min}" : $" from {min} to {max}")}{(absent is null ? "" : $", or {absent}")}";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, absent))
        {
            return null;
        }

        return node is YamlScalar scalar && YamlText.ToInteger(scalar) is { } value && value >= min && value <= max && (!powerOfTwo || BitOperations.IsPow2((long)value))
            ? (long)value
            : context.Wrong(node);
    }

    public override string Write(object? value) => value is null ? absent! : YamlText.Write(value);

    public override JsonObject Schema()
    {
        var number = new JsonObject { ["type"] = "integer", ["minimum"] = min };
        if (max is not (int.MaxValue or long.MaxValue))
        {
            number["maximum"] = max;
        }

        return Absent.Or(number, absent);
    }
}
