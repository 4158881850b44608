using System.Globalization;
using System.Text.Json.Nodes;

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

/// <summary>model (read as null) or a template file, made absolute; names of templates that are not built are refused by name.</summary>
internal sealed class ChatTemplateType : KeyType
{
    private const string OfModel = "model";

    public override string Expected => "model or a .jinja file";

    public override object? Read(YamlNode node, KeyContext context)
    {
        if (Absent.Is(node, OfModel))
        {
            return null;
        }

        if (node is YamlScalar { IsNull: false } scalar && !IsFile(scalar.Text))
        {
            return context.Wrong(node, $"data.chat_template: {Sentence.Clean(scalar.Text, 60)} is not built yet as the name of a template; leave it at model, or give a .jinja file");
        }

        return context.Path(node);
    }

    public override string Write(object? value) => value is null ? OfModel : YamlText.Write(value);

    public override JsonObject Schema() => Absent.Or(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, OfModel);

    private static bool IsFile(string text) => Path.GetExtension(text) is ".jinja" or ".jinja2" or ".j2" or ".txt" || text.Contains('/', StringComparison.Ordinal);
}

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
