using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>The parameters of a function and Python's way of binding a call to them.</summary>
/// <remarks>Spelled as "name" (needed), "name?" (optional), "*" (further positional ones) and "**" (further named ones), "/" first: no names allowed.</remarks>
internal sealed class Parameters
{
    private readonly string[] _names;
    private readonly int _needed;
    private readonly bool _takesRest;
    private readonly bool _takesNamed;
    private readonly bool _positionalOnly;

    private Parameters(string function, string[] specification)
    {
        Function = function;
        _positionalOnly = specification.Contains("/");
        _takesRest = specification.Contains("*");
        _takesNamed = specification.Contains("**");
        var named = specification.Where(s => s is not ("/" or "*" or "**")).ToArray();
        _needed = named.Count(s => !s.EndsWith('?'));
        _names = [.. named.Select(s => s.TrimEnd('?'))];
    }

    public string Function { get; }

    public static Parameters Of(string function, params string[] specification) => new(function, specification);

    public BoundArguments Bind(Arguments arguments, RenderContext context)
    {
        var values = new Value?[_names.Length];
        var count = arguments.Positional.Count;
        if (count > _names.Length && !_takesRest)
        {
            throw TooMany(count);
        }

        for (var i = 0; i < Math.Min(count, _names.Length); i++)
        {
            values[i] = arguments.Positional[i];
        }

        List<KeyValuePair<string, Value>> named = [];
        foreach (var argument in arguments.Named)
        {
            BindNamed(argument, values, named);
        }

        var missing = Enumerable.Range(0, _needed).Where(i => values[i] is null).ToList();
        if (missing.Count > 0)
        {
            throw Error($"missing {missing.Count} required positional argument{(missing.Count == 1 ? "" : "s")}: {string.Join(" and ", missing.Select(i => StrValue.Quote(_names[i])))}");
        }

        return new BoundArguments(values, _takesRest && count > _names.Length ? [.. arguments.Positional.Skip(_names.Length)] : [], named, context);
    }

    private void BindNamed(KeyValuePair<string, Value> argument, Value?[] values, List<KeyValuePair<string, Value>> named)
    {
        var place = _positionalOnly ? -1 : Array.IndexOf(_names, argument.Key);
        if (place < 0)
        {
            if (!_takesNamed)
            {
                throw Error(_positionalOnly ? "takes no keyword arguments" : $"got an unexpected keyword argument {StrValue.Quote(argument.Key)}");
            }

            named.Add(argument);
            return;
        }

        if (values[place] is not null)
        {
            throw Error($"got multiple values for argument {StrValue.Quote(argument.Key)}");
        }

        values[place] = argument.Value;
    }

    private TemplateException TooMany(int count)
    {
        if (_names.Length == 0)
        {
            return Error($"takes no arguments ({count} given)");
        }

        var takes = _needed == _names.Length ? $"{_needed}" : $"from {_needed} to {_names.Length}";
        return Error($"takes {takes} positional argument{(_names.Length == 1 ? "" : "s")} but {count} {(count == 1 ? "was" : "were")} given");
    }

    private TemplateException Error(string problem) => new(TemplateErrorKind.Type, $"{Function}() {problem}");
}
