namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>What can stand left of an assignment.</summary>
internal abstract record Target(int Line, int Column) : Node(Line, Column);

internal sealed record NameTarget(string Name, int Line, int Column) : Target(Line, Column)
{
    public override IEnumerable<Node> Children => [];
}

internal sealed record TupleTarget(IReadOnlyList<Target> Items, int Line, int Column) : Target(Line, Column)
{
    public override IEnumerable<Node> Children => Items;
}

/// <summary><c>{% set ns.attribute = … %}</c>: only a namespace can be written to.</summary>
internal sealed record NamespaceTarget(string Name, string Attribute, int Line, int Column) : Target(Line, Column)
{
    public override IEnumerable<Node> Children => [];
}
