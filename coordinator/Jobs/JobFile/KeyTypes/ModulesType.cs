using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>Modules as PEFT chooses them: a word (all-linear), a regular expression or a list of names.</summary>
internal sealed class ModulesType : KeyType
{
    private static readonly NamesType Names = new();

    public override string Expected => "a list of names or a regular expression";

    public override object? Read(YamlNode node, KeyContext context) => node switch
    {
        YamlSequence => Names.Read(node, context) is ValueList<string> names ? ModuleSelection.Of(names) : null,
        YamlScalar { IsNull: false, Text: "all-linear" } => ModuleSelection.AllLinear,
        YamlScalar { IsNull: false, Text.Length: > 0 } scalar => ModuleSelection.Matching(scalar.Text),
        _ => context.Wrong(node),
    };

    public override string Write(object? value)
    {
        var selection = (ModuleSelection)value!;
        return selection.IsAllLinear ? "all-linear" : selection.Pattern is { } pattern ? YamlText.Write(pattern) : YamlText.Write(selection.Names);
    }

    public override JsonObject Schema() => new() { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string", ["minLength"] = 1 }, Names.Schema()) };
}
