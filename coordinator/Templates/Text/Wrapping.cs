using System.Text;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>textwrap.wrap of one line, as the wordwrap filter calls it (tabs and white space stay).</summary>
/// <remarks>Widths are UTF-16 units; hyphenated words break behind a hyphen between letters.</remarks>
internal static class Wrapping
{
    public static List<string> Wrap(string line, int width, bool breakLongWords, bool breakOnHyphens, Budget budget)
    {
        if (width <= 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, $"invalid width {width} (must be > 0)");
        }

        budget.Allocate(line.Length * 2L);
        budget.Step(line.Length >> 2);
        var chunks = new Stack<ReadOnlyMemory<char>>(Chunks(line, breakOnHyphens).Reverse());
        var lines = new List<string>();
        while (chunks.Count > 0)
        {
            if (lines.Count > 0 && IsBlank(chunks.Peek()))
            {
                chunks.Pop();
                continue;
            }

            var current = TakeLine(chunks, width, breakLongWords);
            if (current.Count > 0 && IsBlank(current[^1]))
            {
                current.RemoveAt(current.Count - 1);
            }

            if (current.Count > 0)
            {
                lines.Add(Joined(current));
            }
        }

        return lines;
    }

    private static string Joined(List<ReadOnlyMemory<char>> parts)
    {
        var joined = new StringBuilder();
        foreach (var part in parts)
        {
            joined.Append(part);
        }

        return joined.ToString();
    }

    // Parts of the line itself: a word without end is cut into a million lines, and none may cost what is left of it.
    private static List<ReadOnlyMemory<char>> TakeLine(Stack<ReadOnlyMemory<char>> chunks, int width, bool breakLongWords)
    {
        var current = new List<ReadOnlyMemory<char>>();
        var length = 0;
        while (chunks.Count > 0 && length + chunks.Peek().Length <= width)
        {
            length += chunks.Peek().Length;
            current.Add(chunks.Pop());
        }

        if (chunks.Count > 0 && chunks.Peek().Length > width)
        {
            if (breakLongWords)
            {
                var word = chunks.Pop();
                var space = width < 1 ? 1 : width - length;
                current.Add(word[..space]);
                chunks.Push(word[space..]);
            }
            else if (current.Count == 0)
            {
                current.Add(chunks.Pop());
            }
        }

        return current;
    }

    /// <summary>Runs of white space and of other characters, the latter parted behind hyphens.</summary>
    private static IEnumerable<ReadOnlyMemory<char>> Chunks(string line, bool breakOnHyphens)
    {
        var start = 0;
        for (var i = 1; i < line.Length; i++)
        {
            if (IsSpace(line[i]) != IsSpace(line[i - 1]) || (breakOnHyphens && BreaksBehind(line, i - 1)))
            {
                yield return line.AsMemory(start, i - start);
                start = i;
            }
        }

        if (start < line.Length)
        {
            yield return line.AsMemory(start);
        }
    }

    private static bool BreaksBehind(string line, int at) =>
        line[at] == '-' && at >= 2 && at + 2 < line.Length && IsLetter(line[at - 1]) && IsLetter(line[at - 2]) && IsLetter(line[at + 1]) && IsLetter(line[at + 2]);

    private static bool IsLetter(char c) => char.IsLetter(c) || c == '_';

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\v' or '\f' or '\r';

    private static bool IsBlank(ReadOnlyMemory<char> chunk)
    {
        foreach (var c in chunk.Span)
        {
            if (!Characters.IsSpace(c))
            {
                return false;
            }
        }

        return true;
    }
}
