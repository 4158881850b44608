namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Which printed expressions Jinja's compiler works out itself (Expr.as_const): those without names and calls.</summary>
internal static class ConstantExpressions
{
    /// <summary>Filters that want the variables of a rendering, so the compiler leaves them alone.</summary>
    private static readonly HashSet<string> OfContext = new(StringComparer.Ordinal) { "map", "select", "reject", "selectattr", "rejectattr", "random" };

    public static bool Contains(Expression expression) => expression switch
    {
        NameExpression or CallExpression => false,
        FilterExpression filter when OfContext.Contains(filter.Name) => false,
        _ => expression.Children.Cast<Expression>().All(Contains),
    };
}
