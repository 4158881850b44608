using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

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
