using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>A filter or a test: a function whose first argument stands before its name.</summary>
internal sealed class Filter(Parameters parameters, Func<BoundArguments, Value> body)
{
    public Value Apply(Arguments arguments, RenderContext context) => body(parameters.Bind(arguments, context));
}
