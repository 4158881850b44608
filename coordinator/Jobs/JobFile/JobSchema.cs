using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>The JSON Schema of the job file, made from the table of keys. Published as <c>coordinator/Jobs/job.schema.json</c>.</summary>
internal static class JobSchema
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write()
    {
        var schema = Section("");
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "Job of the orchestrator");
        return schema.ToJsonString(Format) + "\n";
    }

    private static JsonObject Section(string section)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in JobKeys.NamesIn(section).Distinct(StringComparer.Ordinal))
        {
            var path = section.Length == 0 ? name : $"{section}.{name}";
            var key = JobKeys.Find(path);
            properties[name] = key is null ? Section(path) : Key(key);
            if (key is { Default: null } || path == "data")
            {
                required.Add((JsonNode)name);
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        return schema;
    }

    private static JsonObject Key(JobKey key)
    {
        var schema = key.Type.Schema();
        schema["description"] = key.About + (key.OnlyDefaultIsBuilt ? " Not built yet." : key.NotBuilt.Count > 0 ? $" Not built yet: {string.Join(", ", key.NotBuilt)}." : "");
        if (key.Default is not null)
        {
            schema["default"] = DefaultOf(key);
        }

        return schema;
    }

    private static JsonNode? DefaultOf(JobKey key)
    {
        var errors = new JobFileErrors();
        return ToJson(YamlDocumentReader.Read(key.Default!, new YamlSource("default", "/", 0), errors)!);
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlSequence sequence => new JsonArray([.. sequence.Items.Select(ToJson)]),
        YamlMapping => new JsonObject(),
        YamlScalar { IsNull: true } => null,
        YamlScalar scalar when YamlText.ToBoolean(scalar) is { } flag => flag,
        YamlScalar scalar when YamlText.ToInteger(scalar) is { } integer => (long)integer,
        YamlScalar scalar when YamlText.ToNumber(scalar) is { } number => number,
        YamlScalar scalar => scalar.Text,
        _ => null,
    };
}
