using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Walks one template's tree once; statements, expressions, loops and macros are in the other parts.</summary>
/// <remarks>One rendering, one thread. It notes where it is, so that an error from anywhere below gets line and column.</remarks>
internal sealed partial class Interpreter
{
    private readonly RenderContext _context;
    private readonly Budget _budget;
    private readonly Scope _top;
    private Node? _at;

    /// <summary>Whether a constant is printed, and what was wrong with the first slice in it.</summary>
    private (bool IsPrinted, TemplateException? FirstSlice) _constant;

    private Interpreter(ParsedTemplate template, IEnumerable<KeyValuePair<string, Value>> variables, RenderContext context)
    {
        _context = context;
        _budget = context.Budget;
        var globals = new Scope(null);
        Globals.Define(globals);
        globals.Set("self", new BlocksValue(template.Blocks, block => RunBlock(block, _top!)));
        var given = new Scope(globals);
        foreach (var (name, value) in variables)
        {
            given.Set(name, value);
        }

        _top = new Scope(given, template.Body);
    }

    /// <summary>Renders the template; the value's marks are the places of its generation blocks.</summary>
    /// <exception cref="TemplateException">The template failed or went beyond a limit; with line and column.</exception>
    public static StrValue Render(ParsedTemplate template, IEnumerable<KeyValuePair<string, Value>> variables, RenderContext context)
    {
        var interpreter = new Interpreter(template, variables, context);
        try
        {
            var output = new OutputBuffer(context.Budget);
            interpreter.Run(template.Body.Statements, interpreter._top, output);
            return output.ToValue(isSafe: false);
        }
        catch (TemplateException e)
        {
            throw e.At(template.Document, interpreter._at?.Line ?? 1, interpreter._at?.Column ?? 1);
        }
        catch (InsufficientExecutionStackException)
        {
            throw Budget.Exhausted("too deep a nesting (maximum recursion depth exceeded)").At(template.Document, interpreter._at?.Line ?? 1, interpreter._at?.Column ?? 1);
        }
    }

    private Flow Run(IReadOnlyList<Statement> statements, Scope scope, OutputBuffer output)
    {
        _budget.Enter();
        var flow = Flow.Normal;
        foreach (var statement in statements)
        {
            flow = Run(statement, scope, output);
            if (flow != Flow.Normal)
            {
                break;
            }
        }

        _budget.Leave();
        return flow;
    }

    private Flow Run(Statement statement, Scope scope, OutputBuffer output)
    {
        _at = statement;
        _budget.Step();
        switch (statement)
        {
            case OutputStatement print:
                Print(print, scope, output);
                return Flow.Normal;
            case IfStatement choice:
                return RunIf(choice, scope, output);
            case ForStatement loop:
                return RunFor(loop, scope, output);
            case LoopControlStatement control:
                return control.IsBreak ? Flow.Break : Flow.Continue;
            case SetStatement set:
                CheckNamespaces(set.Target, scope);
                Assign(set.Target, Evaluate(set.Value, scope), scope);
                return Flow.Normal;
            case WithStatement with:
                return RunWith(with, scope, output);
            case FilterStatement filter:
                return RunFilter(filter, scope, output);
            case AutoescapeStatement autoescape:
                return RunAutoescape(autoescape, scope, output);
            case SetBlockStatement set:
                return RunSetBlock(set, scope);
            case MacroStatement macro:
                scope.Set(macro.Name, Bind(macro.Name, macro.Macro, scope));
                return Flow.Normal;
            case CallStatement call:
                var caller = new KeyValuePair<string, Value>("caller", Bind(null, call.Caller, scope));
                WriteRaw(Call(call.Call, scope, caller), output);
                return Flow.Normal;
            case GenerationStatement generation:
                RunGeneration(generation, scope, output);
                return Flow.Normal;
            case BlockStatement block:
                output.Write(RunBlock(block, block.IsScoped ? scope : _top));
                return Flow.Normal;
            default:
                throw new TemplateException(TemplateErrorKind.Type, "no loader for this environment specified");
        }
    }

    private void Print(OutputStatement print, Scope scope, OutputBuffer output)
    {
        foreach (var part in print.Parts)
        {
            if (part.Text is not null)
            {
                output.Write(part.Text);
            }
            else
            {
                Write(part.IsConstant ? EvaluateConstant(part.Expression!, scope) : Evaluate(part.Expression!, scope), output);
            }
        }
    }

    private void Write(Value value, OutputBuffer output)
    {
        if (_context.Autoescape)
        {
            output.Write(Html.Escape(value, _budget));
        }
        else if (value is StrValue text)
        {
            output.Write(text);
        }
        else
        {
            output.Write(value.ToText(_budget));
        }
    }

    /// <summary>What a block's filter or call gives is written as it is: Jinja joins it with the rest, and only a str can be joined.</summary>
    private static void WriteRaw(Value value, OutputBuffer output) => output.Write(value as StrValue
        ?? throw new TemplateException(TemplateErrorKind.Type, $"sequence item 0: expected str instance, {value.TypeName} found"));

    private Flow RunIf(IfStatement choice, Scope scope, OutputBuffer output)
    {
        foreach (var (test, body) in choice.Branches)
        {
            if (Evaluate(test, scope).IsTrue)
            {
                return Run(body, scope, output);
            }
        }

        return Run(choice.Else, scope, output);
    }

    private Flow RunWith(WithStatement with, Scope scope, OutputBuffer output)
    {
        var inner = new Scope(scope, with.Body);
        foreach (var (target, value) in with.Bindings)
        {
            Assign(target, Evaluate(value, scope), inner);
        }

        return Run(with.Body.Statements, inner, output);
    }

    private Flow RunFilter(FilterStatement filter, Scope scope, OutputBuffer output)
    {
        var inner = new Scope(scope, filter.Body);
        var captured = new OutputBuffer(_budget);
        var flow = Run(filter.Body.Statements, inner, captured);
        if (flow == Flow.Normal)
        {
            WriteRaw(ApplyFilter(filter.Filter, inner, captured.ToValue(_context.Autoescape)), output);
        }

        return flow;
    }

    private Flow RunSetBlock(SetBlockStatement set, Scope scope)
    {
        var inner = new Scope(scope, set.Body);
        var captured = new OutputBuffer(_budget);
        var flow = Run(set.Body.Statements, inner, captured);
        if (flow == Flow.Normal)
        {
            Value text = captured.ToValue(_context.Autoescape);
            CheckNamespaces(set.Target, scope);
            Assign(set.Target, set.Filter is null ? text : ApplyFilter(set.Filter, inner, (StrValue)text), scope);
        }

        return flow;
    }

    private Flow RunAutoescape(AutoescapeStatement autoescape, Scope scope, OutputBuffer output)
    {
        var before = _context.Autoescape;
        var inner = new Scope(scope, autoescape.Body);
        _context.Autoescape = Evaluate(autoescape.Value, inner).IsTrue;
        var flow = Run(autoescape.Body.Statements, inner, output);
        _context.Autoescape = before;
        return flow;
    }

    private StrValue RunBlock(BlockStatement block, Scope scope)
    {
        if (block.IsRequired)
        {
            throw new TemplateException(TemplateErrorKind.Runtime, $"Required block {StrValue.Quote(block.Name)} not found");
        }

        var output = new OutputBuffer(_budget);
        var inner = new Scope(scope.AsContext(), block.Body);
        inner.Set("super", UndefinedValue.Hint($"there is no parent block called {StrValue.Quote(block.Name)}."));
        Run(block.Body.Statements, inner, output);
        return output.ToValue(_context.Autoescape);
    }

    /// <summary>An assignment to an attribute is refused before anything is evaluated.</summary>
    private static void CheckNamespaces(Target target, Scope scope)
    {
        switch (target)
        {
            case NamespaceTarget member when scope.Find(member.Name) is not NamespaceValue:
                throw new TemplateException(TemplateErrorKind.Runtime, "cannot assign attribute on non-namespace object");
            case TupleTarget tuple:
                foreach (var item in tuple.Items)
                {
                    CheckNamespaces(item, scope);
                }

                break;
        }
    }

    private void Assign(Target target, Value value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case NamespaceTarget member:
                ((NamespaceValue)scope.Find(member.Name)!).Set(member.Attribute, value);
                break;
            case TupleTarget tuple:
                Unpack(tuple, value, scope);
                break;
        }
    }

    private void Unpack(TupleTarget tuple, Value value, Scope scope)
    {
        var elements = value.Iterate(_budget)
            ?? throw new TemplateException(TemplateErrorKind.Type, $"cannot unpack non-iterable {value.TypeName} object");
        var taken = elements.Take(tuple.Items.Count + 1).ToList();
        if (taken.Count != tuple.Items.Count)
        {
            throw new TemplateException(TemplateErrorKind.Value, taken.Count < tuple.Items.Count
                ? $"not enough values to unpack (expected {tuple.Items.Count}, got {taken.Count})"
                : $"too many values to unpack (expected {tuple.Items.Count})");
        }

        for (var i = 0; i < taken.Count; i++)
        {
            Assign(tuple.Items[i], taken[i], scope);
        }
    }
}
