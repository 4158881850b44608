using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>str.center, ljust, rjust, zfill and expandtabs; widths are code points.</summary>
internal static class Padding
{
    public static string Center(StrValue text, int width, string fill, Budget budget)
    {
        var missing = Math.Max(0, width - text.Length!.Value);

        // CPython puts the odd place to the left only when the width is odd.
        var left = (missing / 2) + (missing & width & 1);
        return Arithmetic.Repeat(fill, left, budget) + text.Text + Arithmetic.Repeat(fill, missing - left, budget);
    }

    public static string Left(StrValue text, int width, string fill, Budget budget) =>
        text.Text + Arithmetic.Repeat(fill, width - (long)text.Length!.Value, budget);

    public static string Right(StrValue text, int width, string fill, Budget budget) =>
        Arithmetic.Repeat(fill, width - (long)text.Length!.Value, budget) + text.Text;

    public static string Zeros(StrValue text, int width, Budget budget)
    {
        var zeros = Arithmetic.Repeat("0", width - (long)text.Length!.Value, budget);
        return text.Text is ['+' or '-', ..] ? text.Text[..1] + zeros + text.Text[1..] : zeros + text.Text;
    }

    public static string ExpandTabs(string text, int size, Budget budget)
    {
        var result = new System.Text.StringBuilder(text.Length);
        var column = 0;
        for (var i = 0; i < text.Length; i += Characters.Width(text, i))
        {
            if (text[i] == '\t')
            {
                var spaces = size > 0 ? size - (column % size) : 0;
                result.Append(Arithmetic.Repeat(" ", spaces, budget));
                column += spaces;
                continue;
            }

            result.Append(text, i, Characters.Width(text, i));
            column = text[i] is '\n' or '\r' ? 0 : column + 1;
        }

        return result.ToString();
    }
}
