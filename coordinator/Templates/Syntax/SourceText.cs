using System.Text;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>A template's source as Jinja's lexer sees it, with its lines.</summary>
/// <remarks>\r\n and \r have become \n, and one newline at the end is gone.</remarks>
internal sealed class SourceText
{
    private readonly List<int> _lineStarts = [0];

    public SourceText(string source, string document)
    {
        Document = document;
        Text = Normalize(source);
        if (Text.EndsWith('\n'))
        {
            Text = Text[..^1];
        }

        for (var i = 0; i < Text.Length; i++)
        {
            if (Text[i] == '\n')
            {
                _lineStarts.Add(i + 1);
            }
        }
    }

    public string Document { get; }

    public string Text { get; }

    public static string Normalize(string text) =>
        text.Contains('\r', StringComparison.Ordinal) ? new StringBuilder(text).Replace("\r\n", "\n").Replace('\r', '\n').ToString() : text;

    /// <summary>Line and column, both from 1, of a place in <see cref="Text"/>.</summary>
    public (int Line, int Column) Place(int at)
    {
        var line = _lineStarts.BinarySearch(at);
        line = line < 0 ? ~line - 1 : line;
        return (line + 1, at - _lineStarts[line] + 1);
    }

    public TemplateException Error(int at, string reason, TemplateErrorKind kind = TemplateErrorKind.Syntax)
    {
        var (line, column) = Place(at);
        return new TemplateException(kind, reason).At(Document, line, column);
    }
}
