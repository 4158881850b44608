namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Finds stop strings in a text that comes in pieces, and holds back what may become one.</summary>
/// <remarks>For one text and one thread. The stop string that is complete first ends the text, however the text is cut; of two at once the longer.</remarks>
internal sealed class StopStringFinder(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>A stop string came: the text has ended.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes the next piece; gives the text that can no longer be part of a stop string.</summary>
    public string Add(string piece)
    {
        if (Found || piece.Length == 0)
        {
            return "";
        }

        var text = _held + piece;
        var found = stops.Select(stop => (Start: text.IndexOf(stop, StringComparison.Ordinal), stop.Length)).Where(match => match.Start >= 0)
            .OrderBy(match => match.Start + match.Length).ThenBy(match => match.Start).ToList();
        Found = found.Count > 0;
        var safe = Found ? found[0].Start : text.Length - LongestBeginning(text);
        _held = Found ? "" : text[safe..];
        return text[..safe];
    }

    /// <summary>The end of a text without a stop string: what was held back.</summary>
    public string Flush()
    {
        (var rest, _held) = (_held, "");
        return rest;
    }

    /// <summary>Length of the longest end of the text with which a stop string begins.</summary>
    private int LongestBeginning(string text)
    {
        for (var length = Math.Min(text.Length, stops.Select(stop => stop.Length - 1).DefaultIfEmpty(0).Max()); length > 0; length--)
        {
            var end = text.AsSpan(text.Length - length);
            foreach (var stop in stops)
            {
                if (stop.AsSpan().StartsWith(end, StringComparison.Ordinal)) return length;
            }
        }

        return 0;
    }
}
