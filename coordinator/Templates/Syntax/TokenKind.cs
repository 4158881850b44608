namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>The kinds of Jinja's lexer, without those that the parser never sees.</summary>
internal enum TokenKind
{
    Data,
    BlockBegin,
    BlockEnd,
    VariableBegin,
    VariableEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}
