using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>A method of one of Python's types.</summary>
internal sealed class Method<T>(Parameters parameters, Func<T, BoundArguments, Value> body)
    where T : Value
{
    public FunctionValue Bind(T self) => new("builtin_function_or_method", parameters, bound => body(self, bound));
}
