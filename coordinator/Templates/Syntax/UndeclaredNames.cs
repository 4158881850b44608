namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Which of a few names a body reads before it binds them itself (Jinja's find_undeclared).</summary>
internal sealed class UndeclaredNames
{
    private readonly HashSet<string> _names;
    private readonly HashSet<string> _found = new(StringComparer.Ordinal);

    private UndeclaredNames(IEnumerable<string> names) => _names = new HashSet<string>(names, StringComparer.Ordinal);

    public static IReadOnlySet<string> Of(IEnumerable<Node> body, params string[] names)
    {
        var search = new UndeclaredNames(names);
        foreach (var node in body)
        {
            search.Visit(node);
        }

        return search._found;
    }

    private void Visit(Node node)
    {
        if (node is NameExpression load && _names.Contains(load.Name))
        {
            _found.Add(load.Name);
        }
        else if (node is NameTarget store)
        {
            _names.Remove(store.Name);
        }

        foreach (var child in node.Children)
        {
            Visit(child);
        }
    }
}
