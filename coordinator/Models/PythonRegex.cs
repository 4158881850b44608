using System.Text.RegularExpressions;

namespace Orchestrator.Coordinator.Models;

/// <summary>Python's regular expressions on .NET's engine.</summary>
/// <remarks>
/// What both engines read alike passes; what they spell differently is translated; what differs in meaning or is an error in Python is refused with a
/// sentence. A match that takes over a second is refused too (catastrophic backtracking). Thread-safe.
/// </remarks>
internal static class PythonRegex
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>As <c>re.fullmatch</c>.</summary>
    /// <param name="pattern">The Python pattern.</param>
    /// <param name="where">What it belongs to, for messages, e.g. <c>adapter.target_modules</c>.</param>
    public static Regex FullMatch(string pattern, string where) => Build(pattern, @"\A(?:", @")\z", where);

    /// <summary>As <c>re.match</c>: from the start, not necessarily to the end.</summary>
    public static Regex Match(string pattern, string where) => Build(pattern, @"\A(?:", ")", where);

    /// <summary>As <c>re.match(rf"{before}{pattern}{after}")</c>, with the parts before and after written in .NET's spelling.</summary>
    public static Regex MatchWithin(string before, string pattern, string after, string where) =>
        Build(pattern, $@"\A(?:{before}", $"{after})", where, inside: true);

    /// <summary>Whether the text matches; a timeout is the pattern's fault.</summary>
    public static bool IsMatch(Regex regex, string text, string where) => Find(regex, text, where).Success;

    /// <summary>The match; a timeout is the pattern's fault.</summary>
    public static Match Find(Regex regex, string text, string where)
    {
        try
        {
            return regex.Match(text);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new InvalidInputException($"{where}: a regular expression takes too long on '{text}'; write it without nested repetitions.", error);
        }
    }

    private static Regex Build(string pattern, string before, string after, string where, bool inside = false)
    {
        string translated = new PythonRegexTranslator(pattern, where, inside).Translate();
        try
        {
            return new Regex(before + translated + after, RegexOptions.CultureInvariant, Timeout);
        }
        catch (ArgumentException error)
        {
            throw new InvalidInputException($"{where}: '{ForeignText.Clip(pattern)}' is not a usable regular expression.", error);
        }
    }
}
