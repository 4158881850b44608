using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

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
