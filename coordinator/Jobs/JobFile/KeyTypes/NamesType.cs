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
