using System.Text.Json.Nodes;
using Orchestrator.Protos.CommandLine;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>auto, or {replicas, stages, layers}.</summary>
internal sealed class LayoutType : KeyType
{
    private const int MaxWorkers = 100_000;

    private static readonly IntegerType Positive = new(1, MaxWorkers);
    private static readonly string[] Keys = ["replicas", "stages", "layers"];

    public override string Expected => "auto or {replicas, stages, layers}";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, "auto"))
        {
            return null;
        }

        if (node is not YamlMapping mapping)
        {
            return context.Wrong(node);
        }

        foreach (var (key, _) in mapping.Entries.Where(entry => !Keys.Contains(entry.Key.Text, StringComparer.Ordinal)))
        {
            context.Wrong(key, $"unknown key {Sentence.Quote(key.Text)} in layout; did you mean '{NearestName.Of(key.Text, Keys)}'?");
        }

        return new LayoutSpec { Replicas = Number(mapping, "replicas", context), Stages = Number(mapping, "stages", context), Layers = Layers(mapping, context) };
    }

    public override string Write(object? value) => value is LayoutSpec layout
        ? $"{{replicas: {layout.Replicas}, stages: {layout.Stages}{(layout.Layers is { } layers ? $", layers: {YamlText.Write(layers)}" : "")}}}"
        : "auto";

    public override JsonObject Schema() => new()
    {
        ["anyOf"] = new JsonArray(
            new JsonObject { ["const"] = "auto" },
            new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = false,
                ["properties"] = new JsonObject
                {
                    ["replicas"] = Positive.Schema(),
                    ["stages"] = Positive.Schema(),
                    ["layers"] = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = Positive.Schema() }, new JsonObject { ["type"] = "null" }) },
                },
            }),
    };

    private static int Number(YamlMapping mapping, string key, KeyContext context)
    {
        if (mapping.Find(key) is not { } node)
        {
            return 1;
        }

        if (node is YamlScalar scalar && YamlText.ToInteger(scalar) is { } value && value >= 1 && value <= MaxWorkers)
        {
            return (int)value;
        }

        context.Wrong(node, $"layout.{key} must be {Positive.Expected}, not {node.Describe()}");
        return 1;
    }

    private static ValueList<int>? Layers(YamlMapping mapping, KeyContext context)
    {
        var node = mapping.Find("layers");
        if (node is null || Absent.Is(node, "null"))
        {
            return null;
        }

        var counts = node is YamlSequence { Items.Count: > 0 } sequence
            ? [.. sequence.Items.Select(item => item is YamlScalar scalar && YamlText.ToInteger(scalar) is { } count && count >= 1 && count <= MaxWorkers ? (int)count : 0)]
            : Array.Empty<int>();
        if (counts.Length == 0 || counts.Contains(0))
        {
            context.Wrong(node, "layout.layers must be a list with the number of layers (at least 1) of each stage");
            return null;
        }

        return [.. counts];
    }
}
