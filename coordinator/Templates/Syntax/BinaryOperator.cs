namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Python's arithmetic.</summary>
internal enum BinaryOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}
