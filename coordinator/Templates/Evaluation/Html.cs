using System.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>markupsafe's escape.</summary>
internal static class Html
{
    /// <summary>The value as safe text; a Markup stays as it is.</summary>
    public static StrValue Escape(Value value, Budget budget) => value is StrValue { IsSafe: true } safe ? safe : EscapeAgain(value.ToText(budget), budget);

    public static StrValue EscapeAgain(string text, Budget budget)
    {
        budget.Allocate(text.Length * 5L);
        return new StrValue(new StringBuilder(text).Replace("&", "&amp;").Replace(">", "&gt;").Replace("<", "&lt;").Replace("'", "&#39;").Replace("\"", "&#34;").ToString(), isSafe: true);
    }
}
