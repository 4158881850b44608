using System.Text.Json.Nodes;
using Orchestrator.Protos.CommandLine;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>The rows' own names by a format's names.</summary>
internal sealed class FieldsType : KeyType
{
    /// <summary>Every name that some format has; which of them belong to the job's format is known when its data is read.</summary>
    private static readonly string[] Known =
    [
        "messages", "conversations", "tools", "documents", "chat_template_kwargs", "system", "role", "content", "from", "value",
        "prompt", "completion", "instruction", "input", "output", "text", "input_ids", "labels",
    ];

    public override string Expected => "a mapping from a format's field to the rows' own name of it";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (node is not YamlMapping mapping)
        {
            return context.Wrong(node);
        }

        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var (key, value) in mapping.Entries)
        {
            if (!Known.Contains(key.Text, StringComparer.Ordinal))
            {
                context.Wrong(key, $"unknown field {Sentence.Quote(key.Text)} in data.fields; did you mean '{NearestName.Of(key.Text, Known)}'?");
            }
            else if (value is YamlScalar { IsNull: false, Text.Length: > 0 } scalar)
            {
                pairs.Add(new(key.Text, scalar.Text));
            }
            else
            {
                context.Wrong(value, $"data.fields.{key.Text} must be the name of a field of the rows, not {value.Describe()}");
            }
        }

        return context.Failed ? null : new ValueMap<string>(pairs);
    }

    public override JsonObject Schema()
    {
        var properties = new JsonObject();
        foreach (var name in Known)
        {
            properties[name] = new JsonObject { ["type"] = "string", ["minLength"] = 1 };
        }

        return new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
    }
}
