using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

internal sealed partial class Interpreter
{
    private MacroValue Bind(string? name, MacroBody macro, Scope scope) => new(name, macro, scope, RunMacro);

    /// <summary>Runs a macro in a scope that holds its arguments; missing ones get their defaults, which see those before them.</summary>
    private StrValue RunMacro(MacroBody macro, Scope scope)
    {
        var parameters = macro.Signature.Parameters;
        for (var i = 0; i < parameters.Count; i++)
        {
            var name = parameters[i].Name;
            if (!scope.Holds(name))
            {
                scope.Set(name, macro.Signature.Default(i) is { } value ? Evaluate(value, scope) : UndefinedValue.Hint($"parameter {StrValue.Quote(name)} was not provided"));
            }
        }

        var output = new OutputBuffer(_budget);
        Run(macro.Body.Statements, scope, output);
        return output.ToValue(_context.Autoescape);
    }

    /// <summary>Writes the body and notes where its text lies.</summary>
    private void RunGeneration(GenerationStatement generation, Scope scope, OutputBuffer output)
    {
        var block = _context.GenerationBlocks++;
        var inner = new Scope(scope, generation.Body.Body);
        if (generation.Body.UsesCaller)
        {
            inner.Set("caller", UndefinedValue.Hint("No caller defined"));
        }

        if (generation.Body.UsesKwargs)
        {
            inner.Set("kwargs", new DictValue(_budget));
        }

        if (generation.Body.UsesVarargs)
        {
            inner.Set("varargs", TupleValue.Empty);
        }

        var start = output.Length;
        output.Write(RunMacro(generation.Body, inner));
        output.Mark(block, start, output.Length);
    }
}
