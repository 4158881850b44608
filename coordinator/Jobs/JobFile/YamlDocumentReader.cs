using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>Reads one untrusted YAML (or JSON) document into nodes with places.</summary>
/// <remarks>
/// Bounded: text of 256 Ki characters, 16 levels, 20,000 nodes. Anchors, aliases and tags are refused: a job file has no use for them, and with them a few
/// lines can name billions of nodes. The depth bound acts while events arrive, because YamlDotNet's scanner takes quadratic time in the depth.
/// </remarks>
internal sealed class YamlDocumentReader
{
    public const int MaxCharacters = 1 << 18;

    private const int MaxDepth = 16;
    private const int MaxNodes = 20_000;

    private readonly YamlSource _source;
    private readonly string _text;
    private readonly JobFileErrors _errors;
    private readonly Parser _parser;
    private int _nodes;
    private Mark _last = Mark.Empty;

    private YamlDocumentReader(string text, YamlSource source, JobFileErrors errors)
    {
        (_text, _source, _errors) = (text, source, errors);
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
    }

    /// <summary>The document's root; null when it is empty or an error was reported.</summary>
    public static YamlNode? Read(string text, YamlSource source, JobFileErrors errors)
    {
        if (text.Length > MaxCharacters)
        {
            errors.Add(new YamlPlace(source, 1, 1), $"it has {text.Length} characters, more than {MaxCharacters}");
            return null;
        }

        return new YamlDocumentReader(text, source, errors).ReadDocument();
    }

    private YamlNode? ReadDocument()
    {
        try
        {
            Next();
            if (Next() is not DocumentStart)
            {
                return null;
            }

            Next();
            var root = ReadNode(0);
            Next();
            if (Next() is DocumentStart second)
            {
                throw Stop(second.Start, "a second document begins; a job file holds one");
            }

            return root;
        }
        catch (StopException stop)
        {
            _errors.Add(stop.Place, stop.Message);
        }
        catch (YamlException exception)
        {
            _errors.Add(PlaceOf(exception), $"it is not valid YAML: {Sentence.LowerFirst(exception.Message.TrimEnd('.'))}");
        }
#pragma warning disable CA1031 // YamlDotNet throws InvalidOperationException and others on some malformed documents; no document may bring the process down.
        catch (Exception)
#pragma warning restore CA1031
        {
            _errors.Add(At(_last), "it is not valid YAML here or just after");
        }

        return null;
    }

    private ParsingEvent Next()
    {
        if (!_parser.MoveNext())
        {
            throw Stop(_last, "the document ends too early");
        }

        _last = _parser.Current!.Start;
        return _parser.Current;
    }

    // The current event starts the node; on return it is the node's last one.
    private YamlNode ReadNode(int depth)
    {
        var start = _parser.Current!;
        if (++_nodes > MaxNodes)
        {
            throw Stop(start.Start, $"the document has more than {MaxNodes} values");
        }

        if (depth > MaxDepth)
        {
            throw Stop(start.Start, $"the document is nested more than {MaxDepth} levels deep");
        }

        if (start is AnchorAlias || start is NodeEvent { Anchor.IsEmpty: false })
        {
            throw Stop(start.Start, "anchors and aliases are not supported; write the value where it belongs");
        }

        if (start is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } })
        {
            throw Stop(start.Start, "tags are not supported; quote a value to make it text");
        }

        return start switch
        {
            Scalar scalar => new YamlScalar(At(scalar.Start), scalar.Value, scalar.Style == ScalarStyle.Plain),
            SequenceStart => ReadSequence(start, depth),
            MappingStart => ReadMapping(start, depth),
            _ => throw Stop(start.Start, "a value was expected"),
        };
    }

    private YamlSequence ReadSequence(ParsingEvent start, int depth)
    {
        var items = new List<YamlNode>();
        while (Next() is not SequenceEnd)
        {
            items.Add(ReadNode(depth + 1));
        }

        return new YamlSequence(At(start.Start), items);
    }

    private YamlMapping ReadMapping(ParsingEvent start, int depth)
    {
        var mapping = new YamlMapping(At(start.Start));
        while (Next() is not MappingEnd)
        {
            var key = ReadNode(depth + 1);
            Next();
            var value = ReadNode(depth + 1);
            if (key is not YamlScalar name)
            {
                _errors.Add(key.Place, "a key must be a name");
            }
            else if (mapping.Find(name.Text) is not null)
            {
                _errors.Add(name.Place, $"the key {Sentence.Quote(name.Text)} stands twice in the same mapping");
            }
            else
            {
                mapping.Set(name, value);
            }
        }

        return mapping;
    }

    // YamlDotNet reports a tab in the indentation at the start of the mapping; the tab itself helps more.
    private YamlPlace PlaceOf(YamlException exception)
    {
        if (exception.Message.Contains("tab", StringComparison.Ordinal))
        {
            var line = 0;
            foreach (var content in _text.AsSpan().EnumerateLines())
            {
                line++;
                var tab = content.TrimStart(' ');
                if (!tab.IsEmpty && tab[0] == '\t')
                {
                    return new YamlPlace(_source, line, content.Length - tab.Length + 1);
                }
            }
        }

        return At(exception.Start);
    }

    private YamlPlace At(Mark mark) => new(_source, mark.Line, mark.Column);

    private StopException Stop(Mark mark, string message) => new(At(mark), message);

    /// <summary>Ends reading: what follows cannot be understood.</summary>
    private sealed class StopException(YamlPlace place, string message) : Exception(message)
    {
        public YamlPlace Place => place;
    }
}
