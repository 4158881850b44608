using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

internal sealed partial class Interpreter
{
    private Flow RunFor(ForStatement loop, Scope scope, OutputBuffer output)
    {
        var iterable = Evaluate(loop.Iterable, scope);
        if (!loop.IsRecursive)
        {
            return Loop(loop, iterable, scope, 0, output);
        }

        output.Write(Recurse(loop, iterable, scope, 0));
        return Flow.Normal;
    }

    private StrValue Recurse(ForStatement loop, Value iterable, Scope scope, int depth0)
    {
        var output = new OutputBuffer(_budget);
        Loop(loop, iterable, scope, depth0, output);
        return output.ToValue(_context.Autoescape);
    }

    /// <summary>Runs a loop; what its else branch breaks is the loop around it.</summary>
    private Flow Loop(ForStatement loop, Value iterable, Scope scope, int depth0, OutputBuffer output)
    {
        _at = loop;
        var elements = iterable.Elements(_budget);
        var walk = loop.Test is null
            ? new LoopValue(elements, iterable.Length, depth0, Recursion(loop, scope), _budget)
            : new LoopValue(Selected(loop, elements, scope), null, depth0, Recursion(loop, scope), _budget);
        var completed = false;
        while (walk.Next() is { } element)
        {
            _budget.Step();
            var inner = new Scope(scope, loop.Body);
            inner.Set("loop", walk);
            Assign(loop.Target, element, inner);
            var flow = Run(loop.Body.Statements, inner, output);

            // Jinja notes an iteration at the end of the body only, so after a break in the first one the else branch runs.
            completed |= flow == Flow.Normal;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return completed ? Flow.Normal : Run(loop.Else.Statements, new Scope(scope, loop.Else), output);
    }

    private Func<Value, int, Value>? Recursion(ForStatement loop, Scope scope) =>
        loop.IsRecursive ? (iterable, depth0) => Recurse(loop, iterable, scope, depth0) : null;

    private IEnumerable<Value> Selected(ForStatement loop, IEnumerable<Value> elements, Scope scope)
    {
        foreach (var element in elements)
        {
            _budget.Step();
            var inner = new Scope(scope);
            Assign(loop.Target, element, inner);
            if (Evaluate(loop.Test!, inner).IsTrue)
            {
                yield return element;
            }
        }
    }
}
