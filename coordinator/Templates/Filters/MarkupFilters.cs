using System.Buffers;
using System.Text;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters for HTML and URLs, which a chat hardly needs but Jinja has.</summary>
internal static class MarkupFilters
{
    private static readonly SearchValues<char> NoAttributeName = SearchValues.Create(" \t\n\r\f\v/>=");

    public static Value Escape(BoundArguments bound) => Html.Escape(bound[0], bound.Budget);

    public static Value ForceEscape(BoundArguments bound) => Html.EscapeAgain(bound[0].ToText(bound.Budget), bound.Budget);

    public static Value MarkSafe(BoundArguments bound)
    {
        var text = TextFilters.Soft(bound);
        return text.IsSafe ? text : new StrValue(text.Text, isSafe: true, text.Marks);
    }

    /// <summary>Without comments, tags and runs of white space, and with the five entities that escape makes undone.</summary>
    public static Value StripTags(BoundArguments bound)
    {
        var text = bound[0].ToText(bound.Budget);
        bound.Budget.Allocate(text.Length * 2L);
        var stripped = Without(Without(text, "<!--", "-->"), "<", ">");
        var words = string.Join(' ', Splitting.Words(stripped, -1));
        if (words.Contains('&', StringComparison.Ordinal))
        {
            words = System.Net.WebUtility.HtmlDecode(words);
        }

        return new StrValue(words);
    }

    public static Value UrlEncode(BoundArguments bound)
    {
        if (bound[0] is StrValue || bound[0].Iterate(bound.Budget) is null)
        {
            return new StrValue(Quote(bound[0].ToText(bound.Budget), forQuery: false, bound.Budget));
        }

        var pairs = bound[0] is DictValue dict ? new DictViewValue(dict, DictViewKind.Items) : bound[0];
        var parts = new List<StrValue>();
        foreach (var pair in pairs.Elements(bound.Budget))
        {
            if (pair.Iterate(bound.Budget)?.Take(3).ToList() is not [var key, var value])
            {
                throw new TemplateException(TemplateErrorKind.Value, "urlencode needs pairs");
            }

            parts.Add(new StrValue($"{Quote(key.ToText(bound.Budget), true, bound.Budget)}={Quote(value.ToText(bound.Budget), true, bound.Budget)}"));
        }

        return SequenceFilters.Joined(new StrValue("&"), parts, isSafe: false, bound.Budget);
    }

    public static Value XmlAttributes(BoundArguments bound)
    {
        var dict = bound[0] switch
        {
            DictValue known => known,
            UndefinedValue undefined => throw undefined.Error(),
            _ => throw new TemplateException(TemplateErrorKind.Attribute, $"'{bound[0].TypeName}' object has no attribute 'items'"),
        };
        var text = new StringBuilder();
        foreach (var (key, value) in dict.Entries.Where(e => e.Value is not (NoneValue or UndefinedValue)))
        {
            var name = key is StrValue known ? known.Text : throw new TemplateException(TemplateErrorKind.Type, $"expected string or bytes-like object, got '{key.TypeName}'");
            if (name.AsSpan().ContainsAny(NoAttributeName))
            {
                throw new TemplateException(TemplateErrorKind.Value, $"Invalid character in attribute name: {StrValue.Quote(name)}");
            }

            text.Append(text.Length > 0 || bound.Truth(1, otherwise: true) ? " " : "").Append(Html.Escape(key, bound.Budget).Text)
                .Append("=\"").Append(Html.Escape(value, bound.Budget).Text).Append('"');
        }

        return new StrValue(text.ToString(), bound.Context.Autoescape);
    }

    /// <summary>Python's pformat as long as it fits one line of 80 characters; longer ones are refused by name.</summary>
    public static Value PrettyPrint(BoundArguments bound)
    {
        var text = Sorted(bound[0], bound.Budget).ToText(bound.Budget);
        if (bound[0] is StrValue)
        {
            text = StrValue.Quote(text);
        }

        return text.Length <= 80 ? new StrValue(text)
            : throw new TemplateException(TemplateErrorKind.Unsupported, "pprint of a value that needs more than one line is not supported: use tojson(indent=2)");
    }

    /// <summary>The value with all its dicts in the order of their keys.</summary>
    private static Value Sorted(Value value, Budget budget)
    {
        budget.Enter();
        var sorted = value switch
        {
            ListValue list => new ListValue([.. list.Items.Select(i => Sorted(i, budget))]),
            TupleValue tuple => new TupleValue([.. tuple.Items.Select(i => Sorted(i, budget))]),
            DictValue dict => SortedDict(dict, budget),
            _ => value,
        };
        budget.Leave();
        budget.AllocateElements(1);
        return sorted;
    }

    private static DictValue SortedDict(DictValue dict, Budget budget)
    {
        var sorted = new DictValue(budget);
        foreach (var key in OrderFilters.Sorted(dict.ToList(budget), k => k, reverse: false, budget))
        {
            sorted.Set(key, Sorted(dict.Get(key)!, budget));
        }

        return sorted;
    }

    private static string Without(string text, string open, string close)
    {
        var kept = new StringBuilder(text.Length);
        var at = 0;
        while (true)
        {
            var start = text.IndexOf(open, at, StringComparison.Ordinal);
            var end = start < 0 ? -1 : text.IndexOf(close, start + open.Length, StringComparison.Ordinal);
            if (end < 0)
            {
                return kept.Append(text, at, text.Length - at).ToString();
            }

            kept.Append(text, at, start - at);
            at = end + close.Length;
        }
    }

    private static string Quote(string text, bool forQuery, Budget budget)
    {
        budget.Allocate(text.Length * 9L);
        var quoted = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || (c == '/' && !forQuery) ? quoted.Append(c)
                : c == ' ' && forQuery ? quoted.Append('+')
                : quoted.Append('%').Append(b.ToString("X2"));
        }

        return quoted.ToString();
    }
}
