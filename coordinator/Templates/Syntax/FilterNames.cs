namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Refuses filters and tests that do not exist, where Jinja's compiler does.</summary>
/// <remarks>Inside an <c>if</c> or an inline condition Jinja waits until the name is used; a loop, a macro or a block inside it is strict again.</remarks>
internal static class FilterNames
{
    public static void Check(ParsedTemplate template)
    {
        CheckAll(template.Body.Statements, soft: false, template.Document);
        foreach (var block in template.Blocks.Values)
        {
            CheckAll(block.Body.Statements, soft: false, template.Document);
        }
    }

    private static void CheckAll(IEnumerable<Node> nodes, bool soft, string document)
    {
        foreach (var node in nodes)
        {
            Check(node, soft, document);
        }
    }

    private static void Check(Node node, bool soft, string document)
    {
        switch (node)
        {
            case FilterExpression { Definition: null } filter when !soft:
                throw Unknown("filter", filter.Name, node, document);
            case TestExpression { Definition: null } test when !soft:
                throw Unknown("test", test.Name, node, document);
            case IfStatement or ConditionalExpression:
                CheckAll(node.Children, soft: true, document);
                break;
            case ForStatement loop:
                Check(loop.Iterable, soft, document);
                CheckAll(loop.Children.Where(c => c != loop.Iterable), soft: false, document);
                break;
            case CallStatement call:
                Check(call.Call, soft, document);
                CheckAll(call.Caller.Children, soft: false, document);
                break;
            case WithStatement with:
                CheckAll(with.Bindings.Select(b => b.Value), soft, document);
                CheckAll(with.Body.Statements, soft: false, document);
                break;
            case MacroStatement or SetBlockStatement or FilterStatement or GenerationStatement or AutoescapeStatement:
                CheckAll(node.Children, soft: false, document);
                break;
            default:
                CheckAll(node.Children, soft, document);
                break;
        }
    }

    private static TemplateException Unknown(string what, string name, Node node, string document) =>
        new TemplateException(TemplateErrorKind.Assertion, $"No {what} named {Values.StrValue.Quote(name)}.").At(document, node.Line, node.Column);
}
