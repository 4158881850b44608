using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

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
