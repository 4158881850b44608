using Orchestrator.Coordinator.Templates.Filters;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed record ConstantExpression(Value Value, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "const";

    public override IEnumerable<Node> Children => [];
}

internal sealed record NameExpression(string Name, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "name";

    public override IEnumerable<Node> Children => [];
}

internal sealed record TupleExpression(IReadOnlyList<Expression> Items, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "tuple";

    public override IEnumerable<Node> Children => Items;
}

internal sealed record ListExpression(IReadOnlyList<Expression> Items, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "list";

    public override IEnumerable<Node> Children => Items;
}

internal sealed record DictExpression(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "dict";

    public override IEnumerable<Node> Children => Items.SelectMany(i => new Node[] { i.Key, i.Value });
}

/// <summary><c>Then if Test else Else</c>; without else the value is undefined.</summary>
internal sealed record ConditionalExpression(Expression Test, Expression Then, Expression? Else, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "condexpr";

    public override IEnumerable<Node> Children => Else is null ? [Test, Then] : [Test, Then, Else];
}

/// <summary><c>and</c> and <c>or</c>: the value is that of one side, as in Python.</summary>
internal sealed record LogicalExpression(bool IsAnd, Expression Left, Expression Right, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => IsAnd ? "and" : "or";

    public override IEnumerable<Node> Children => [Left, Right];
}

internal sealed record NotExpression(Expression Operand, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "not";

    public override IEnumerable<Node> Children => [Operand];
}

/// <summary>A chain of comparisons: <c>a &lt; b &lt; c</c> is both.</summary>
internal sealed record ComparisonExpression(Expression First, IReadOnlyList<(ComparisonOperator Operator, Expression Operand)> Rest, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "compare";

    public override IEnumerable<Node> Children => Rest.Select(r => r.Operand).Prepend(First);
}

internal sealed record BinaryExpression(BinaryOperator Operator, Expression Left, Expression Right, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => Operator switch
    {
        BinaryOperator.Add => "add",
        BinaryOperator.Subtract => "sub",
        BinaryOperator.Multiply => "mul",
        BinaryOperator.Divide => "div",
        BinaryOperator.FloorDivide => "floordiv",
        BinaryOperator.Modulo => "mod",
        _ => "pow",
    };

    public override IEnumerable<Node> Children => [Left, Right];
}

/// <summary>The texts of all parts, one behind the other (<c>~</c>).</summary>
internal sealed record ConcatenationExpression(IReadOnlyList<Expression> Parts, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "concat";

    public override IEnumerable<Node> Children => Parts;
}

internal sealed record SignExpression(bool IsNegative, Expression Operand, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => IsNegative ? "neg" : "pos";

    public override IEnumerable<Node> Children => [Operand];
}

internal sealed record AttributeExpression(Expression Target, string Name, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "getattr";

    public override IEnumerable<Node> Children => [Target];
}

internal sealed record ItemExpression(Expression Target, Expression Key, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "getitem";

    public override IEnumerable<Node> Children => [Target, Key];
}

/// <summary>Only ever the key of an item.</summary>
internal sealed record SliceExpression(Expression? Start, Expression? Stop, Expression? Step, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "slice";

    public override IEnumerable<Node> Children => new Node?[] { Start, Stop, Step }.OfType<Node>();
}

/// <summary>The arguments of a call, a filter or a test.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Star, Expression? DoubleStar)
{
    public static ArgumentList Empty { get; } = new([], [], null, null);

    public IEnumerable<Node> Children => Positional.Concat(Named.Select(n => n.Value)).Concat(new[] { Star, DoubleStar }.OfType<Expression>());
}

internal sealed record CallExpression(Expression Target, ArgumentList Arguments, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "call";

    public override IEnumerable<Node> Children => Arguments.Children.Prepend(Target);
}

/// <summary>A filter; without a target it takes the text of the block around it, without a definition its name is not known.</summary>
internal sealed record FilterExpression(Expression? Target, string Name, Filter? Definition, ArgumentList Arguments, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "filter";

    public override IEnumerable<Node> Children => Target is null ? Arguments.Children : Arguments.Children.Prepend(Target);
}

internal sealed record TestExpression(Expression Target, string Name, Filter? Definition, ArgumentList Arguments, int Line, int Column) : Expression(Line, Column)
{
    public override string Kind => "test";

    public override IEnumerable<Node> Children => Arguments.Children.Prepend(Target);
}
