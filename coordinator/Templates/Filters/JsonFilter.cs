using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>transformers' tojson: json.dumps that keeps non-ASCII text and escapes no HTML.</summary>
internal static class JsonFilter
{
    public static Value ToJson(BoundArguments bound)
    {
        var indent = bound.Optional(2) switch
        {
            null => null,
            StrValue text => text.Text,
            var value => Arithmetic.Repeat(" ", IntValue.Index(value), bound.Budget),
        };
        var (item, key) = (indent is null ? ", " : ",", ": ");
        if (bound.Optional(3) is { } separators)
        {
            var parts = separators.ToList(bound.Budget);
            if (parts.Count != 2 || parts[0] is not StrValue || parts[1] is not StrValue)
            {
                throw new TemplateException(TemplateErrorKind.Value, "separators must be a pair of texts");
            }

            (item, key) = (((StrValue)parts[0]).Text, ((StrValue)parts[1]).Text);
        }

        var writer = new JsonWriter(new JsonStyle(bound.Truth(1), indent, item, key, bound.Truth(4)), bound.Budget);
        writer.Write(bound[0], 0);
        return new StrValue(writer.ToString());
    }
}
