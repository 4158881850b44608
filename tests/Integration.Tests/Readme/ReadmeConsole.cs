using System.Globalization;
using System.Text.RegularExpressions;

namespace Orchestrator.Integration.Tests.Readme;

/// <summary>Reads the <c>console</c> blocks of a Markdown file and compares what they show with what was printed.</summary>
/// <remarks>
/// A line that starts with <c>$ </c> is a command, the lines up to the next one are its standard output. A line <c>…</c> stands for any lines. Figures that
/// differ between machines (speeds, durations) are compared as figures, measured ones (losses of four decimals, rates and the count behind one) within 5 %,
/// all else word for word.
/// </remarks>
internal static partial class ReadmeConsole
{
    private const string AnyLines = "…";

    public static IReadOnlyList<ConsoleStep> Steps(string markdown)
    {
        var steps = new List<ConsoleStep>();
        var output = new List<string>();
        var inside = false;
        var number = 0;
        foreach (var line in markdown.Split('\n'))
        {
            number++;
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inside = line == "```console";
            }
            else if (inside && line.StartsWith("$ ", StringComparison.Ordinal))
            {
                output = [];
                steps.Add(new ConsoleStep(number, line[2..], output));
            }
            else if (inside)
            {
                output.Add(line);
            }
        }

        return steps;
    }

    /// <summary>Null if <paramref name="printed"/> is what the README shows; else the first line that differs.</summary>
    public static string? Difference(IReadOnlyList<string> shown, IReadOnlyList<string> printed)
    {
        var at = 0;
        var anywhere = false;
        foreach (var expected in shown)
        {
            if (expected == AnyLines)
            {
                anywhere = true;
                continue;
            }

            while (anywhere && at < printed.Count && !Same(expected, printed[at]))
            {
                at++;
            }

            if (at == printed.Count)
            {
                return $"the README shows '{expected}', which was not printed";
            }

            if (!Same(expected, printed[at]))
            {
                return $"the README shows '{expected}', printed was '{printed[at]}'";
            }

            (at, anywhere) = (at + 1, false);
        }

        return anywhere || at == printed.Count ? null : $"'{printed[at]}' was printed, which the README does not show";
    }

    private static bool Same(string shown, string printed)
    {
        var (expected, actual) = (Figures(shown), Figures(printed));
        return Measured().Replace(expected, "#") == Measured().Replace(actual, "#")
            && Measured().Matches(expected).Zip(Measured().Matches(actual), (shownFigure, figure) => Near(Number(shownFigure), Number(figure))).All(near => near);
    }

    private static bool Near(double shown, double printed) => Math.Abs(shown - printed) <= 0.05 * shown;

    private static double Number(Match match) => double.Parse(match.ValueSpan, CultureInfo.InvariantCulture);

    private static string Figures(string line) => Varying().Replace(line.TrimEnd(), "# ${unit}");

    [GeneratedRegex(@"\b\d+\.\d{4}\b|(?<=rate )\d+(\.\d+)?\b|\b\d+(?= of \d+ answers)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Measured();

    [GeneratedRegex(@"\d[\d,.:]* ?(?<unit>tokens/s|samples/s|s\b|min\b|h\b)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Varying();
}
