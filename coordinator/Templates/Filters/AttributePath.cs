using System.Globalization;
using System.Numerics;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>The attribute argument of map, sort and the like: "a.b.0" walks through items.</summary>
internal static class AttributePath
{
    /// <summary>Looks one path up in a value; with a default, every undefined part on the way becomes it.</summary>
    public static Func<Value, Value> Getter(Value? attribute, Value? missing, RenderContext context)
    {
        var parts = Parts(attribute);
        return value =>
        {
            context.Budget.Step();
            foreach (var part in parts)
            {
                value = Sandbox.Item(value, part, context.Budget);
                value = missing is not null && value is UndefinedValue ? missing : value;
            }

            return value;
        };
    }

    /// <summary>Looks several paths up, with commas between them; the result is one list a value.</summary>
    public static Func<Value, Value> MultiGetter(Value? attribute, Func<Value, Value> after, RenderContext context)
    {
        var getters = (attribute is StrValue text ? text.Text.Split(',').Select(p => (Value?)new StrValue(p)) : [attribute])
            .Select(p => Getter(p, null, context)).ToList();
        return value => new ListValue(getters.ConvertAll(getter => after(getter(value))));
    }

    /// <summary>Lower case for texts, as sorting and grouping compare them unless told otherwise.</summary>
    public static Func<Value, Value> CaseFold(bool caseSensitive, Budget budget) => value =>
    {
        if (caseSensitive || value is not StrValue text)
        {
            return value;
        }

        budget.Allocate(text.Text.Length);
        return new StrValue(Casing.Lower(text.Text));
    };

    private static List<Value> Parts(Value? attribute) => attribute switch
    {
        null or NoneValue => [],
        StrValue text => [.. text.Text.Split('.').Select(Part)],
        _ => [attribute],
    };

    private static Value Part(string part) =>
        part.Length > 0 && part.All(char.IsAsciiDigit) && part.Length < 20 ? IntValue.Of(BigInteger.Parse(part, CultureInfo.InvariantCulture)) : new StrValue(part);
}
