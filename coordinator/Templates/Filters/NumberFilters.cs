using System.Numerics;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters that make and round numbers.</summary>
internal static class NumberFilters
{
    public static Value Abs(BoundArguments bound) => bound[0] switch
    {
        FloatValue number => new FloatValue(Math.Abs(number.Number)),
        var value when IntValue.TryGet(value, out var integer) => IntValue.Of(BigInteger.Abs(integer)),
        var value => throw new TemplateException(TemplateErrorKind.Type, $"bad operand type for abs(): '{value.TypeName}'"),
    };

    /// <summary>Jinja's int: text that is no number gives the default, "4.9" gives 4.</summary>
    public static Value ToInt(BoundArguments bound)
    {
        if (bound[0] is UndefinedValue undefined)
        {
            throw undefined.Error();
        }

        if (IntValue.TryGet(bound[0], out var integer))
        {
            return IntValue.Of(integer);
        }

        if (bound[0] is StrValue text && NumberText.ParseInteger(text.Text, bound.Int(2, 10), bound.Budget) is { } parsed)
        {
            return IntValue.Of(parsed);
        }

        var number = bound[0] switch
        {
            FloatValue value => value.Number,
            StrValue value => NumberText.ParseFloat(value.Text, bound.Budget),
            _ => null,
        };
        return number is { } known && double.IsFinite(known) ? IntValue.Of(new BigInteger(Math.Truncate(known))) : bound.Has(1) ? bound[1] : IntValue.Of(0);
    }

    public static Value ToFloat(BoundArguments bound)
    {
        if (bound[0] is UndefinedValue undefined)
        {
            throw undefined.Error();
        }

        var number = bound[0] is StrValue text ? NumberText.ParseFloat(text.Text, bound.Budget) : Numbers.ToDouble(bound[0]);
        return number is { } known ? new FloatValue(known) : bound.Has(1) ? bound[1] : new FloatValue(0);
    }

    public static Value Round(BoundArguments bound)
    {
        var method = bound.Has(2) ? bound.Text(2, "round") : "common";
        if (method is not ("common" or "ceil" or "floor"))
        {
            throw new TemplateException(TemplateErrorKind.Runtime, "method must be common, ceil or floor");
        }

        var precision = bound.Int(1, 0);
        if (method != "common")
        {
            return Directed(bound, precision, method == "ceil");
        }

        if (IntValue.TryGet(bound[0], out var integer))
        {
            return IntValue.Of(precision >= 0 ? integer : FloatText.RoundInteger(integer, -precision));
        }

        return bound[0] is FloatValue number ? new FloatValue(FloatText.Round(number.Number, precision))
            : throw new TemplateException(TemplateErrorKind.Type, $"type {bound[0].TypeName} doesn't define __round__ method");
    }

    public static Value FileSize(BoundArguments bound)
    {
        var bytes = bound[0] is StrValue text ? NumberText.ParseFloat(text.Text, bound.Budget) : bound[0] is UndefinedValue undefined ? throw undefined.Error() : Numbers.ToDouble(bound[0]);
        if (bytes is not { } size)
        {
            throw new TemplateException(TemplateErrorKind.Value, "could not convert string to float");
        }

        var unit = bound.Truth(1) ? 1024.0 : 1000.0;
        if (size == 1)
        {
            return new StrValue("1 Byte");
        }

        if (size < unit)
        {
            return new StrValue($"{new BigInteger(size)} Bytes");
        }

        var prefixes = "kMGTPEZY";
        var (scale, at) = (unit * unit, 0);
        while (at < prefixes.Length - 1 && size >= scale)
        {
            scale *= unit;
            at++;
        }

        var name = bound.Truth(1) ? $"{char.ToUpperInvariant(prefixes[at])}iB" : $"{prefixes[at]}B";
        return new StrValue($"{FloatText.Fixed(unit * size / scale, 1)} {name}");
    }

    /// <summary>math.ceil or math.floor of the scaled value, divided again: a float, as Python's / gives it.</summary>
    private static FloatValue Directed(BoundArguments bound, int precision, bool up)
    {
        var value = bound[0] is UndefinedValue undefined ? throw undefined.Error() : Numbers.ToDouble(bound[0])
            ?? throw new TemplateException(TemplateErrorKind.Type, $"must be real number, not {bound[0].TypeName}");
        var scale = Math.Pow(10, Math.Clamp(precision, -400, 400));
        var scaled = value * scale;
        if (!double.IsFinite(scaled) || scale == 0)
        {
            throw new TemplateException(TemplateErrorKind.Overflow, "cannot convert float infinity to integer");
        }

        return new FloatValue((up ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale);
    }
}
