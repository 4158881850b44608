using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

internal sealed partial class Interpreter
{
    private MacroValue Bind(string? name, MacroBody macro, Scope scope) => new(name, macro, (body, arguments) => RunMacro(body, arguments, scope));

    private StrValue RunMacro(MacroBody macro, IReadOnlyDictionary<string, Value> arguments, Scope definedIn)
    {
        var scope = new Scope(definedIn);
        foreach (var (name, value) in arguments)
        {
            scope.Set(name, value);
        }

        var parameters = macro.Signature.Parameters;
        for (var i = 0; i < parameters.Count; i++)
        {
            if (!arguments.ContainsKey(parameters[i].Name))
            {
                var name = parameters[i].Name;
                scope.Set(name, macro.Signature.Default(i) is { } value ? Evaluate(value, scope) : UndefinedValue.Hint($"parameter {StrValue.Quote(name)} was not provided"));
            }
        }

        var output = new OutputBuffer(_budget);
        Run(macro.Body, scope, output);
        return output.ToValue(_context.Autoescape);
    }

    /// <summary>Writes the body and notes where its text lies.</summary>
    private void RunGeneration(GenerationStatement generation, Scope scope, OutputBuffer output)
    {
        var block = _context.GenerationBlocks++;
        var arguments = new Dictionary<string, Value>(StringComparer.Ordinal);
        if (generation.Body.UsesCaller)
        {
            arguments["caller"] = UndefinedValue.Hint("No caller defined");
        }

        if (generation.Body.UsesKwargs)
        {
            arguments["kwargs"] = new DictValue(_budget);
        }

        if (generation.Body.UsesVarargs)
        {
            arguments["varargs"] = TupleValue.Empty;
        }

        var start = output.Length;
        output.Write(RunMacro(generation.Body, arguments, scope));
        output.Mark(block, start, output.Length);
    }
}
