using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>A file or folder, made absolute.</summary>
internal sealed class PathType(string? absent = null) : KeyType
{
    public override string Expected => $"a path{(absent is null ? "" : $", or {absent}")}";

    public override object? Read(YamlNode node, KeyContext context) => Absent.Is(node, absent) ? null : context.Path(node);

    public override string Write(object? value) => value is null ? absent! : YamlText.Write(value);

    public override JsonObject Schema() => Absent.Or(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, absent);
}
