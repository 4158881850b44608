using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>The word that stands for "not given".</summary>
internal static class Absent
{
    public static bool Is(YamlNode node, string? word) => word is not null && node is YamlScalar scalar && (word == "null" ? scalar.IsNull : scalar.Text == word);

    public static JsonObject Or(JsonObject schema, string? word)
        => word is null ? schema : new JsonObject { ["anyOf"] = new JsonArray(schema, word == "null" ? new JsonObject { ["type"] = "null" } : new JsonObject { ["const"] = word }) };
}
