namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Data of the template and printed expressions, in order.</summary>
internal sealed record OutputStatement(IReadOnlyList<OutputPart> Parts, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Parts.Select(p => p.Expression).OfType<Expression>();
}

/// <summary>Either text or an expression.</summary>
internal sealed record OutputPart(string? Text, Expression? Expression)
{
    /// <summary>Jinja's compiler has the text already.</summary>
    public bool IsConstant { get; } = Expression is not null && ConstantExpressions.Contains(Expression);
}

internal sealed record ForStatement(
    Target Target, Expression Iterable, Expression? Test, bool IsRecursive, FrameBody Body, FrameBody Else, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => new Node[] { Target, Iterable }.Concat(Body.Statements).Concat(Else.Statements).Concat(Test is null ? [] : [Test]);
}

/// <summary>The branches in order; <c>else</c> is a list of its own.</summary>
internal sealed record IfStatement(IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Else, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Branches.SelectMany(b => b.Body.Prepend<Node>(b.Test)).Concat(Else);
}

internal sealed record SetStatement(Target Target, Expression Value, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => [Target, Value];
}

/// <summary><c>{% set name | filter %}…{% endset %}</c>; the innermost filter of the chain has no target.</summary>
internal sealed record SetBlockStatement(Target Target, FilterExpression? Filter, FrameBody Body, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => new Node?[] { Target, Filter }.OfType<Node>().Concat(Body.Statements);
}

internal sealed record WithStatement(IReadOnlyList<(Target Target, Expression Value)> Bindings, FrameBody Body, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Bindings.Select(b => (Node)b.Target).Concat(Bindings.Select(b => b.Value)).Concat(Body.Statements);
}

/// <summary>What a macro or a call block takes: the last parameters have the defaults.</summary>
internal sealed record MacroSignature(IReadOnlyList<NameTarget> Parameters, IReadOnlyList<Expression> Defaults)
{
    public static MacroSignature Empty { get; } = new([], []);

    /// <summary>The default of parameter <paramref name="index"/>, or null.</summary>
    public Expression? Default(int index)
    {
        var at = index - (Parameters.Count - Defaults.Count);
        return at < 0 ? null : Defaults[at];
    }
}

/// <summary>A body that is called: the special names it uses decide what else it takes.</summary>
internal sealed record MacroBody(MacroSignature Signature, FrameBody Body, bool UsesCaller, bool UsesKwargs, bool UsesVarargs)
{
    public IEnumerable<Node> Children => Signature.Parameters.Concat<Node>(Signature.Defaults).Concat(Body.Statements);

    /// <summary>What it takes beside its parameters.</summary>
    public IEnumerable<string> SpecialNames =>
        new[] { UsesCaller ? "caller" : null, UsesKwargs ? "kwargs" : null, UsesVarargs ? "varargs" : null }.OfType<string>();
}

internal sealed record MacroStatement(string Name, MacroBody Macro, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Macro.Children;
}

internal sealed record CallStatement(CallExpression Call, MacroBody Caller, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Caller.Children.Prepend(Call);
}

internal sealed record FilterStatement(FilterExpression Filter, FrameBody Body, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Body.Statements.Append<Node>(Filter);
}

/// <summary>transformers' mark of what an assistant wrote; like a macro it has a scope of its own.</summary>
internal sealed record GenerationStatement(MacroBody Body, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Body.Children;
}

/// <summary>A named block; it sees the template's variables, and those of a loop around it only when scoped.</summary>
internal sealed record BlockStatement(string Name, bool IsScoped, bool IsRequired, FrameBody Body, int Line, int Column) : Statement(Line, Column)
{
    /// <summary>Jinja's visitors stop at blocks.</summary>
    public override IEnumerable<Node> Children => [];
}

internal sealed record AutoescapeStatement(Expression Value, FrameBody Body, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => Body.Statements.Prepend<Node>(Value);
}

internal sealed record LoopControlStatement(bool IsBreak, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => [];
}

/// <summary>include, import, from or extends: a chat template has nothing to load from.</summary>
internal sealed record LoadStatement(string Tag, int Line, int Column) : Statement(Line, Column)
{
    public override IEnumerable<Node> Children => [];
}
