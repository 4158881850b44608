namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Python's comparisons.</summary>
internal enum ComparisonOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}
