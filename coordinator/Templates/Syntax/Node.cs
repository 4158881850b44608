namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>One node of a parsed template, with its place (both numbers from 1).</summary>
/// <remarks>Immutable and shared by all renderings.</remarks>
internal abstract record Node(int Line, int Column)
{
    /// <summary>The nodes below, in the order in which Jinja's visitors see them.</summary>
    public abstract IEnumerable<Node> Children { get; }
}

/// <summary>A node that has a value.</summary>
internal abstract record Expression(int Line, int Column) : Node(Line, Column)
{
    /// <summary>Jinja's name of the node, as its messages spell it.</summary>
    public abstract string Kind { get; }

    /// <summary>How deep the tree below is; set once by the parser.</summary>
    public int Height { get; set; } = 1;
}

/// <summary>A node that writes or assigns.</summary>
internal abstract record Statement(int Line, int Column) : Node(Line, Column);
