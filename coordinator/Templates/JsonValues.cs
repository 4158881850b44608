using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates;

/// <summary>JSON as Python's json.loads reads it: order kept, a repeated key overwritten, numbers with a point or exponent as floats.</summary>
internal sealed class JsonValues(Budget budget)
{
    public Budget Budget => budget;

    public Value From(JsonElement? element) => element is { } present ? From(present) : NoneValue.Instance;

    public Value From(JsonElement element)
    {
        budget.AllocateElements(1);
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new DictValue(budget);
                foreach (var member in element.EnumerateObject())
                {
                    dict.Set(Text(member), From(member.Value));
                }

                return dict;
            case JsonValueKind.Array:
                return new ListValue(element.EnumerateArray().Select(From).ToList());
            case JsonValueKind.String:
                return Text(element);
            case JsonValueKind.Number:
                return Number(element.GetRawText());
            case JsonValueKind.True:
                return BoolValue.True;
            case JsonValueKind.False:
                return BoolValue.False;
            default:
                return NoneValue.Instance;
        }
    }

    /// <summary>The members of an object as variables.</summary>
    public IEnumerable<KeyValuePair<string, Value>> Members(JsonElement json) => json.EnumerateObject().Select(member => KeyValuePair.Create(Text(member).Text, From(member.Value)));

    private StrValue Text(JsonElement element)
    {
        try
        {
            return Paid(element.GetString()!);
        }
        catch (InvalidOperationException)
        {
            throw Surrogate();
        }
    }

    private StrValue Text(JsonProperty member)
    {
        try
        {
            return Paid(member.Name);
        }
        catch (InvalidOperationException)
        {
            throw Surrogate();
        }
    }

    private StrValue Paid(string text)
    {
        budget.Allocate(text.Length);
        return new StrValue(text);
    }

    private static Value Number(string text)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
        {
            return new FloatValue(double.Parse(text, CultureInfo.InvariantCulture));
        }

        return text.Length <= Syntax.NumberLiterals.MaxDigits ? IntValue.Of(BigInteger.Parse(text, CultureInfo.InvariantCulture))
            : throw new TemplateException(TemplateErrorKind.Value, "a number in the conversation has more than 4300 digits.");
    }

    private static TemplateException Surrogate() =>
        new(TemplateErrorKind.Value, "the conversation holds half a surrogate pair (a \\ud800 to \\udfff escape by itself), which is no character.");
}
