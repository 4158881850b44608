using System.Text;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>str.replace.</summary>
internal static class Replacing
{
    /// <param name="text">The text.</param>
    /// <param name="old">What goes; empty means the place before every character and the end.</param>
    /// <param name="replacement">What comes.</param>
    /// <param name="limit">How often at most; negative is without limit.</param>
    /// <param name="budget">The rendering's.</param>
    public static string Replace(string text, string old, string replacement, int limit, Budget budget)
    {
        var result = new StringBuilder();
        var at = 0;
        if (old.Length == 0)
        {
            for (var done = 0; done != limit; done++)
            {
                Append(result, replacement, budget);
                if (at == text.Length)
                {
                    break;
                }

                var width = Characters.Width(text, at);
                result.Append(text, at, width);
                at += width;
            }
        }
        else
        {
            for (var done = 0; done != limit && TextSearch.Find(text, old, at, budget) is var found && found >= 0; done++)
            {
                result.Append(text, at, found - at);
                Append(result, replacement, budget);
                at = found + old.Length;
            }
        }

        budget.Allocate(text.Length);
        return result.Append(text, at, text.Length - at).ToString();
    }

    private static void Append(StringBuilder result, string replacement, Budget budget)
    {
        budget.Step();
        budget.Allocate(replacement.Length);
        result.Append(replacement);
    }
}
