using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

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
                context.Wrong(item, $"{context.Key} as a mix of {{path, weight}} is not built yet; give a file or a list of files");
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
