using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Jinja's recursive descent, with its messages; statements and expressions are in the other parts.</summary>
/// <remarks>One parser a source. Every error carries line and column.</remarks>
internal sealed partial class Parser
{
    /// <summary>Brackets, calls and blocks inside each other; CPython gives up near 75.</summary>
    private const int MaxNesting = 100;

    /// <summary>Operators, filters and attributes in a row.</summary>
    private const int MaxHeight = 250;

    private readonly SourceText _source;
    private readonly TokenStream _stream;
    private readonly Dictionary<string, BlockStatement> _blocks = new(StringComparer.Ordinal);
    private readonly List<string> _tags = [];
    private readonly List<string[]> _endTokens = [];
    private int _nesting;

    /// <summary>Loops around the current place that a break would leave.</summary>
    private int _loops;

    /// <summary>Where a loop or its body assigned to the name "loop".</summary>
    private Token? _loopStore;

    private Parser(SourceText source)
    {
        _source = source;
        _stream = new TokenStream(source);
    }

    public static ParsedTemplate Parse(string text, string document)
    {
        var source = new SourceText(text, document);
        var parser = new Parser(source);
        var template = new ParsedTemplate(document, new FrameBody(parser.ParseBody(null)), parser._blocks);
        FilterNames.Check(template);
        FrameNames.Resolve(template);
        return template;
    }

    private TemplateException Fail(string reason, Token at, TemplateErrorKind kind = TemplateErrorKind.Syntax) =>
        new TemplateException(kind, reason).At(_source.Document, at.Line, at.Column);

    private TemplateException Fail(string reason) => Fail(reason, _stream.Current);

    private void Nest()
    {
        if (++_nesting > MaxNesting)
        {
            throw Fail($"nested deeper than {MaxNesting} levels (maximum recursion depth exceeded)", _stream.Current, TemplateErrorKind.Limit);
        }
    }

    /// <summary>Notes how deep the tree below a new expression is and refuses what evaluation could not walk.</summary>
    private T Made<T>(T expression)
        where T : Expression
    {
        foreach (var child in expression.Children)
        {
            expression.Height = Math.Max(expression.Height, ((Expression)child).Height + 1);
        }

        return expression.Height <= MaxHeight ? expression
            : throw Fail($"an expression of more than {MaxHeight} operations in a row (maximum recursion depth exceeded)", _stream.Current, TemplateErrorKind.Limit);
    }

    private TemplateException UnknownTag(string? name, Token at)
    {
        var message = name is null ? "Unexpected end of template." : $"Encountered unknown tag {StrValue.Quote(name)}.";
        if (_endTokens.Count > 0)
        {
            var looking = string.Join(" or ", _endTokens[^1].Select(StrValue.Quote));
            message += name is not null && _endTokens.Any(e => e.Contains(name, StringComparer.Ordinal))
                ? $" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {looking}."
                : $" Jinja was looking for the following tags: {looking}.";
        }

        if (_tags.Count > 0)
        {
            message += $" The innermost block that needs to be closed is {StrValue.Quote(_tags[^1])}.";
        }

        return Fail(message, at);
    }
}
