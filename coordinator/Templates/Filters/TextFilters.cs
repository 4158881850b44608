using System.Text;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Methods;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters that give a text for a text; anything else becomes a text first.</summary>
internal static class TextFilters
{
    /// <summary>soft_str: a str (Markup or not) as it is, anything else as its text.</summary>
    public static StrValue Soft(BoundArguments bound) => bound[0] as StrValue ?? new StrValue(bound[0].ToText(bound.Budget));

    public static Value Upper(BoundArguments bound) => Changed(bound, Casing.Upper);

    public static Value Lower(BoundArguments bound) => Changed(bound, Casing.Lower);

    public static Value Capitalize(BoundArguments bound) => Changed(bound, Casing.Capitalize);

    /// <summary>Jinja's own title: a word begins behind white space, a dash or an opening bracket.</summary>
    public static Value Title(BoundArguments bound) => Changed(bound, text =>
    {
        var result = new StringBuilder(text.Length);
        for (var start = 0; start < text.Length;)
        {
            var separates = IsWordBoundary(text[start]);
            var end = start + 1;
            while (end < text.Length && IsWordBoundary(text[end]) == separates)
            {
                end++;
            }

            var first = Characters.Width(text, start);
            result.Append(Casing.Upper(text.Substring(start, first))).Append(Casing.Lower(text[(start + first)..end]));
            start = end;
        }

        return result.ToString();
    });

    public static Value Trim(BoundArguments bound) => StringMethods.Strip(Soft(bound), bound, left: true, right: true, characters: 1);

    public static Value Center(BoundArguments bound) => StringMethods.Keep(Soft(bound), Padding.Center(Soft(bound), bound.Int(1, 80), " ", bound.Budget), bound.Budget);

    public static Value Replace(BoundArguments bound)
    {
        var count = bound.Optional(3) is null ? -1 : bound.Int(3, -1);
        if (!bound.Context.Autoescape)
        {
            return new StrValue(Replacing.Replace(Str(bound, 0), Str(bound, 1), Str(bound, 2), count, bound.Budget));
        }

        var text = bound[1] is StrValue { IsSafe: true } || bound[2] is StrValue { IsSafe: true } ? Html.Escape(bound[0], bound.Budget) : Soft(bound);
        var replacement = text.IsSafe ? Html.Escape(bound[2], bound.Budget).Text : Str(bound, 2);
        return new StrValue(Replacing.Replace(text.Text, Str(bound, 1), replacement, count, bound.Budget), text.IsSafe);
    }

    public static Value Format(BoundArguments bound)
    {
        if (bound.Rest.Count > 0 && bound.Named.Count > 0)
        {
            throw new TemplateException(TemplateErrorKind.Runtime, "can't handle positional and keyword arguments at the same time");
        }

        if (bound.Named.Count == 0)
        {
            return PercentFormat.Apply(Soft(bound), new TupleValue(bound.Rest), bound.Context);
        }

        var named = new DictValue(bound.Budget);
        foreach (var (name, value) in bound.Named)
        {
            named.Set(name, value);
        }

        return PercentFormat.Apply(Soft(bound), named, bound.Context);
    }

    public static Value Indent(BoundArguments bound)
    {
        var text = bound[0] switch
        {
            StrValue known => known,
            UndefinedValue undefined => throw undefined.Error(),
            _ => throw new TemplateException(TemplateErrorKind.Type, $"unsupported operand type(s) for +=: '{bound[0].TypeName}' and 'str'"),
        };
        var indention = bound.Has(1) && bound[1] is StrValue given ? given.Text : Arithmetic.Repeat(" ", bound.Int(1, 4), bound.Budget);
        var lines = Splitting.Lines(text.Text + "\n", keepEnds: false);
        bound.Budget.Allocate((indention.Length * (long)lines.Count) + text.Text.Length);
        var result = new StringBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            var indented = i == 0 ? bound.Truth(2) : lines[i].Length > 0 || bound.Truth(3);
            result.Append(i == 0 ? "" : "\n").Append(indented ? indention : "").Append(lines[i]);
        }

        return new StrValue(result.ToString(), text.IsSafe);
    }

    public static Value Truncate(BoundArguments bound)
    {
        var text = bound[0] as StrValue;
        var end = bound.Has(3) ? bound.Text(3, "truncate") : "...";
        var length = bound.Int(1, 255);
        var leeway = bound.Optional(4) is null ? 5 : bound.Int(4, 5);
        var endLength = Characters.Count(end);
        if (length < endLength || leeway < 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, length < endLength ? $"expected length >= {endLength}, got {length}" : $"expected leeway >= 0, got {leeway}");
        }

        if ((bound[0].Length ?? throw SequenceFilters.NoLength(bound[0])) <= (long)length + leeway)
        {
            return bound[0];
        }

        if (text is null)
        {
            throw new TemplateException(TemplateErrorKind.Type, $"can only truncate a str, not {bound[0].TypeName}");
        }

        var kept = text.Part(0, Math.Min(length - endLength, text.Length!.Value));
        var space = bound.Truth(2) ? -1 : kept.LastIndexOf(' ');
        bound.Budget.Allocate(kept.Length + end.Length);
        return new StrValue((space < 0 ? kept : kept[..space]) + end, text.IsSafe);
    }

    public static Value WordCount(BoundArguments bound)
    {
        var count = 0;
        var inWord = false;
        var text = Soft(bound).Text;
        bound.Budget.Step(text.Length >> 4);
        foreach (var rune in text.EnumerateRunes())
        {
            var isWord = Characters.IsWord(rune);
            count += isWord && !inWord ? 1 : 0;
            inWord = isWord;
        }

        return IntValue.Of(count);
    }

    public static Value WordWrap(BoundArguments bound)
    {
        var separator = bound.Optional(3) is null ? "\n" : bound.Text(3, "wordwrap");
        var text = bound[0] is UndefinedValue undefined ? throw undefined.Error() : bound.Text(0, "wordwrap");
        var lines = Splitting.Lines(text, keepEnds: false)
            .Select(line => string.Join(separator, Wrapping.Wrap(line, bound.Int(1, 79), bound.Truth(2, otherwise: true), bound.Truth(4, otherwise: true), bound.Budget)));
        var wrapped = string.Join(separator, lines);
        bound.Budget.Allocate(wrapped.Length);
        return new StrValue(wrapped);
    }

    private static bool IsWordBoundary(char c) => Characters.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<';

    private static string Str(BoundArguments bound, int index) => bound[index].ToText(bound.Budget);

    private static StrValue Changed(BoundArguments bound, Func<string, string> change)
    {
        var text = Soft(bound);
        bound.Budget.Allocate(text.Text.Length * 3L);
        return new StrValue(change(text.Text), text.IsSafe);
    }
}
