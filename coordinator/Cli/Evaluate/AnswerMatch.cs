using System.Text.Json;

namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary>When an answer counts as the expected one.</summary>
internal enum AnswerMatch
{
    /// <summary>The same text, white space around it left out.</summary>
    Exact,

    /// <summary>The same JSON value, whatever its white space and the order of its members; of an expected text that is no JSON, the same text.</summary>
    Json,
}

/// <summary>Compares answers.</summary>
/// <remarks>Pure.</remarks>
internal static class AnswerMatches
{
    public static bool Matches(this AnswerMatch match, string expected, string answer)
    {
        if (string.Equals(expected.Trim(), answer.Trim(), StringComparison.Ordinal)) return true;
        if (match != AnswerMatch.Json) return false;
        using var wanted = Parse(expected);
        using var given = Parse(answer);
        return wanted is not null && given is not null && AreEqual(wanted.RootElement, given.RootElement);
    }

    // An answer is whatever a model says: half a surrogate pair that is escaped, or an exponent beyond all bounds, is JSON that cannot be compared.
    private static bool AreEqual(JsonElement wanted, JsonElement given)
    {
        try
        {
            return JsonElement.DeepEquals(wanted, given);
        }
        catch (Exception incomparable) when (incomparable is InvalidOperationException or ArgumentOutOfRangeException)
        {
            return false;
        }
    }

    private static JsonDocument? Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
