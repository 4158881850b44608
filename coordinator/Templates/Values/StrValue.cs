using System.Text;
using Orchestrator.Coordinator.Templates.Text;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's str (code points, kept as UTF-16), or Markup where it is known to be safe HTML.</summary>
/// <remarks>The two cached fields are pure functions of the text: threads that share a template's constants may both compute them.</remarks>
internal sealed class StrValue(string text, bool isSafe = false, IReadOnlyList<GenerationMark>? marks = null) : Value
{
    private int _length = -1;
    private int[]? _starts;

    public static StrValue Empty { get; } = new("");

    public string Text { get; } = text;

    /// <summary>Whether it is a Markup: never escaped again.</summary>
    public bool IsSafe { get; } = isSafe;

    /// <summary>The generation blocks whose text this is, for the places of the final text.</summary>
    public IReadOnlyList<GenerationMark> Marks { get; } = marks ?? [];

    public override string TypeName => IsSafe ? "Markup" : "str";

    public override string ObjectName => IsSafe ? "markupsafe.Markup object" : "str object";

    public override bool IsTrue => Text.Length > 0;

    /// <summary>In code points.</summary>
    public override int? Length => _length >= 0 ? _length : _length = Characters.Count(Text);

    /// <summary>The UTF-16 place of a code point from 0 to the length.</summary>
    public int Start(int codePoint) => Length == Text.Length ? codePoint : (_starts ??= Starts())[codePoint];

    /// <summary>The text between two code points.</summary>
    public string Part(int start, int end) => start >= end ? "" : Text[Start(start)..Start(end)];

    public override IEnumerable<Value> Iterate(Budget budget)
    {
        for (var i = 0; i < Text.Length;)
        {
            var width = Characters.Width(Text, i);
            budget.Allocate(1);
            yield return new StrValue(Text.Substring(i, width));
            i += width;
        }
    }

    public override Value? Item(Value key, Budget budget)
    {
        if (!IntValue.TryGet(key, out var index))
        {
            return null;
        }

        budget.Allocate(1);
        index = index < 0 ? index + Length!.Value : index;
        return index < 0 || index >= Length!.Value ? null : new StrValue(Part((int)index, (int)index + 1), IsSafe);
    }

    public override Value? Attribute(string name) => Methods.StringMethods.Find(this, name);

    public override string ToText(Budget budget) => Text;

    public override void Repr(ReprWriter writer)
    {
        writer.Budget.Allocate(Text.Length);
        writer.Write(IsSafe ? $"Markup({Quote(Text)})" : Quote(Text));
    }

    /// <summary>Python's repr of a text.</summary>
    public static string Quote(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var builder = new StringBuilder(text.Length + 2).Append(quote);
        for (var i = 0; i < text.Length; i += Characters.Width(text, i))
        {
            var c = Characters.CodePoint(text, i);
            _ = c switch
            {
                '\\' => builder.Append("\\\\"),
                '\n' => builder.Append("\\n"),
                '\r' => builder.Append("\\r"),
                '\t' => builder.Append("\\t"),
                _ when c == quote => builder.Append('\\').Append(quote),
                _ when Characters.IsPrintable(c) => builder.Append(text, i, Characters.Width(text, i)),
                < 0x100 => builder.Append("\\x").Append(c.ToString("x2")),
                < 0x10000 => builder.Append("\\u").Append(c.ToString("x4")),
                _ => builder.Append("\\U").Append(c.ToString("x8")),
            };
        }

        return builder.Append(quote).ToString();
    }

    private int[] Starts()
    {
        var starts = new int[Length!.Value + 1];
        for (int i = 0, n = 0; n < starts.Length; n++)
        {
            starts[n] = i;
            i += i < Text.Length ? Characters.Width(Text, i) : 0;
        }

        return starts;
    }
}
