using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>One token with its place (both numbers from 1).</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The name, the operator, the data or the unescaped string.</param>
/// <param name="Line">Its line.</param>
/// <param name="Column">Its column in UTF-16 units.</param>
/// <param name="Number">The value of a number.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Column, Value? Number = null)
{
    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;

    public bool IsOperator(string symbol) => Kind == TokenKind.Operator && Text == symbol;

    /// <summary>The words that Jinja uses for it in its messages.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.Name or TokenKind.Operator => Text,
        TokenKind.String => "string",
        TokenKind.Integer => "integer",
        TokenKind.Float => "float",
        TokenKind.Data => "template data / text",
        TokenKind.BlockBegin => "begin of statement block",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.VariableBegin => "begin of print statement",
        TokenKind.VariableEnd => "end of print statement",
        _ => "end of template",
    };
}
