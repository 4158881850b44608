using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A list of names.</summary>
internal sealed class NamesType : KeyType
{
    public override string Expected => "a list of names";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (node is not YamlSequence sequence)
        {
            return context.Wrong(node);
        }

        foreach (var item in sequence.Items.Where(item => item is not YamlScalar { IsNull: false, Text.Length: > 0 }))
        {
            context.Wrong(item);
        }

        return context.Failed ? null : new ValueList<string>([.. sequence.Items.Select(item => ((YamlScalar)item).Text)]);
    }

    public override JsonObject Schema() => new() { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string", ["minLength"] = 1 } };
}

/// <summary>Modules as PEFT chooses them: a word (all-linear), a regular expression or a list of names.</summary>
internal sealed class ModulesType : KeyType
{
    private static readonly NamesType Names = new();

    public override string Expected => "a list of names or a regular expression";

    public override object? Read(YamlNode node, KeyContext context) => node switch
    {
        YamlSequence => Names.Read(node, context) is ValueList<string> names ? ModuleSelection.Of(names) : null,
        YamlScalar { IsNull: false, Text: "all-linear" } => ModuleSelection.AllLinear,
        YamlScalar { IsNull: false, Text.Length: > 0 } scalar => ModuleSelection.Matching(scalar.Text),
        _ => context.Wrong(node),
    };

    public override string Write(object? value)
    {
        var selection = (ModuleSelection)value!;
        return selection.IsAllLinear ? "all-linear" : selection.Pattern is { } pattern ? YamlText.Write(pattern) : YamlText.Write(selection.Names);
    }

    public override JsonObject Schema() => new() { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, Names.Schema()) };
}

/// <summary>One whole number from 0, a list of them, or null.</summary>
internal sealed class LayersType : KeyType
{
    public override string Expected => "a layer (from 0), a list of layers, or null";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, "null"))
        {
            return null;
        }

        var layers = new List<int>();
        foreach (var item in node is YamlSequence sequence ? sequence.Items : [node])
        {
            if (item is YamlScalar scalar && YamlText.ToInteger(scalar) is { } layer && layer >= 0 && layer <= int.MaxValue)
            {
                layers.Add((int)layer);
            }
            else
            {
                context.Wrong(item);
            }
        }

        return context.Failed ? null : new ValueList<int>([.. layers]);
    }

    public override JsonObject Schema()
    {
        var layer = new JsonObject { ["type"] = "integer", ["minimum"] = 0 };
        return new JsonObject { ["anyOf"] = new JsonArray(layer, new JsonObject { ["type"] = "array", ["items"] = layer.DeepClone() }, new JsonObject { ["type"] = "null" }) };
    }
}

/// <summary>A mapping from module name patterns to numbers, in the document's order.</summary>
internal sealed class PatternType<T>(string what, KeyType number, Func<object, T> convert) : KeyType
{
    public override string Expected => $"a mapping from name patterns to {what}";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (node is not YamlMapping mapping)
        {
            return context.Wrong(node);
        }

        var pairs = new List<KeyValuePair<string, T>>();
        foreach (var (key, value) in mapping.Entries)
        {
            if (number.Read(value, context) is { } read)
            {
                pairs.Add(new(key.Text, convert(read)));
            }
        }

        return context.Failed ? null : new ValueMap<T>(pairs);
    }

    public override JsonObject Schema() => new() { ["type"] = "object", ["additionalProperties"] = number.Schema() };
}

/// <summary>One file or several; where <paramref name="optional"/>, also none. {path, weight} is known, for a mix, and refused by name.</summary>
internal sealed class FilesType(bool optional) : KeyType
{
    public override string Expected => $"a file or a list of files{(optional ? ", or null" : "")}";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (optional && Absent.Is(node, "null"))
        {
            return new ValueList<string>([]);
        }

        var files = new List<string>();
        foreach (var item in node is YamlSequence sequence ? sequence.Items : [node])
        {
            if (item is YamlMapping mapping && mapping.Find("path") is not null)
            {
                context.Wrong(item, "data.train as a mix of {path, weight} is not built yet; give a file or a list of files");
            }
            else if (context.Path(item) is { } file)
            {
                files.Add(file);
            }
        }

        if (files.Count == 0 && !context.Failed)
        {
            context.Wrong(node);
        }

        return context.Failed ? null : new ValueList<string>([.. files]);
    }

    public override string Write(object? value)
    {
        var files = (ValueList<string>)value!;
        return files.Count switch { 0 => "null", 1 => YamlText.Write(files[0]), _ => YamlText.Write(files) };
    }

    public override JsonObject Schema()
    {
        var file = new JsonObject { ["type"] = "string", ["minLength"] = 1 };
        var forms = new JsonArray(file, new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = file.DeepClone() });
        if (optional)
        {
            forms.Add((JsonNode)new JsonObject { ["type"] = "null" });
        }

        return new JsonObject { ["anyOf"] = forms };
    }
}

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
