using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Finds which names belong to which frame, as Jinja's compiler does before anything runs (jinja2.idtracking).</summary>
/// <remarks>
/// A name that a frame first stores, unless inside an <c>if</c>, has no value from the frame's beginning to that store, also for the frames inside; a name that it
/// first reads, or that a frame around it knows, begins with the value outside. One object a frame; the frames inside are visited when all names of this one are known.
/// </remarks>
internal sealed class FrameNames
{
    private readonly FrameNames? _outer;
    private readonly string _document;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unset = new(StringComparer.Ordinal);
    private readonly List<Action> _inner = [];

    private FrameNames(FrameNames? outer, string document)
    {
        _outer = outer;
        _document = document;
    }

    /// <summary>Notes the unset names of every frame of a template.</summary>
    /// <exception cref="TemplateException">A name of which Jinja cannot tell whose it is; with line and column.</exception>
    public static void Resolve(ParsedTemplate template)
    {
        new FrameNames(null, template.Document).Fill(template.Body, UndeclaredNames.Of(template.Body.Statements, "self"), []);
        foreach (var block in template.Blocks.Values)
        {
            // A block is compiled alone: of the template around it only the variables are seen.
            new FrameNames(null, template.Document).Fill(block.Body, UndeclaredNames.Of(block.Body.Statements, "self", "super"), []);
        }
    }

    /// <summary>Visits a frame: its parameters, then what comes before its body, then the body, then the frames inside.</summary>
    private void Fill(FrameBody body, IEnumerable<string> parameters, IEnumerable<Node> before)
    {
        _known.UnionWith(parameters);
        VisitAll(before, conditional: false);
        VisitAll(body.Statements, conditional: false);
        body.Unset = _unset.Count > 0 ? _unset : null;
        _inner.ForEach(visit => visit());
    }

    private bool Knows(string name)
    {
        for (var frame = this; frame is not null; frame = frame._outer)
        {
            if (frame._known.Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    private void Load(string name)
    {
        if (!Knows(name))
        {
            _known.Add(name);
        }
    }

    private void Store(string name, bool conditional)
    {
        if (!Knows(name) && !conditional)
        {
            _unset.Add(name);
        }

        _known.Add(name);
    }

    private void VisitAll(IEnumerable<Node> nodes, bool conditional)
    {
        foreach (var node in nodes)
        {
            Visit(node, conditional);
        }
    }

    private void Visit(Node node, bool conditional)
    {
        switch (node)
        {
            case NameExpression load:
                Load(load.Name);
                break;
            case NameTarget store:
                Store(store.Name, conditional);
                break;
            case NamespaceTarget member:
                Load(member.Name);
                break;
            case SetStatement set:
                Visit(set.Value, conditional);
                Visit(set.Target, conditional);
                break;
            case IfStatement choice:
                VisitAll(choice.Children, conditional: true);
                break;
            case ForStatement loop:
                Visit(loop.Iterable, conditional);
                Enter(loop.Body, NamesOf(loop.Target).Append("loop"));
                Enter(loop.Else, []);
                break;
            case WithStatement with:
                VisitAll(with.Bindings.Select(b => b.Value), conditional);
                Enter(with.Body, [], with.Bindings.Select(b => b.Target));
                break;
            case FilterStatement filter:
                Visit(filter.Filter, conditional);
                Enter(filter.Body, []);
                break;
            case SetBlockStatement set:
                Visit(set.Target, conditional);
                _inner.Add(() => FillSetBlock(set));
                break;
            case AutoescapeStatement autoescape:
                Enter(autoescape.Body, [], [autoescape.Value]);
                break;
            case MacroStatement macro:
                Store(macro.Name, conditional);
                EnterMacro(macro.Macro);
                break;
            case CallStatement call:
                Visit(call.Call, conditional);
                EnterMacro(call.Caller);
                break;
            case GenerationStatement generation:
                EnterMacro(generation.Body);
                break;
            default:
                VisitAll(node.Children, conditional);
                break;
        }
    }

    private void Enter(FrameBody body, IEnumerable<string> parameters, IEnumerable<Node>? before = null) =>
        _inner.Add(() => new FrameNames(this, _document).Fill(body, parameters, before ?? []));

    private void EnterMacro(MacroBody macro) => _inner.Add(() =>
    {
        var names = new FrameNames(this, _document);
        var parameters = macro.Signature.Parameters.Select(p => p.Name).ToList();

        // A default sees the parameters behind it too: they have no value yet.
        names._unset.UnionWith(parameters);
        names.Fill(macro.Body, parameters.Concat(macro.SpecialNames), macro.Signature.Defaults);
    });

    /// <summary>Jinja never visits the filter of a set block: its names must be known to the block or around it.</summary>
    private void FillSetBlock(SetBlockStatement set)
    {
        var names = new FrameNames(this, _document);
        names.Fill(set.Body, [], []);
        if (set.Filter is not null && names.FirstUnknown(set.Filter) is { } unknown)
        {
            throw new TemplateException(TemplateErrorKind.Assertion, $"Tried to resolve a name to a reference that was unknown to the frame ({StrValue.Quote(unknown.Name)})")
                .At(_document, unknown.Line, unknown.Column);
        }
    }

    private NameExpression? FirstUnknown(Node node) =>
        node is NameExpression load ? Knows(load.Name) ? null : load : node.Children.Select(FirstUnknown).FirstOrDefault(found => found is not null);

    private static IEnumerable<string> NamesOf(Target target) => target is NameTarget name ? [name.Name] : target.Children.OfType<Target>().SelectMany(NamesOf);
}
