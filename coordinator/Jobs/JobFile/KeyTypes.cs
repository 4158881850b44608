using System.Numerics;
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

/// <summary>A file or folder, made absolute.</summary>
internal sealed class PathType(string? absent = null) : KeyType
{
    public override string Expected => $"a path{(absent is null ? "" : $", or {absent}")}";

    public override object? Read(YamlNode node, KeyContext context) => Absent.Is(node, absent) ? null : context.Path(node);

    public override string Write(object? value) => value is null ? absent! : YamlText.Write(value);

    public override JsonObject Schema() => Absent.Or(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, absent);
}

/// <summary>The word that stands for "not given".</summary>
internal static class Absent
{
    public static bool Is(YamlNode node, string? word) => word is not null && node is YamlScalar scalar && (word == "null" ? scalar.IsNull : scalar.Text == word);

    public static JsonObject Or(JsonObject schema, string? word)
        => word is null ? schema : new JsonObject { ["anyOf"] = new JsonArray(schema, word == "null" ? new JsonObject { ["type"] = "null" } : new JsonObject { ["const"] = word }) };
}
