using Orchestrator.Coordinator.Templates.Evaluation;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>A global function or class, or a method bound to its object.</summary>
internal sealed class FunctionValue(string typeName, Parameters parameters, Func<BoundArguments, Value> body, IReadOnlyDictionary<string, Value>? attributes = null) : Value
{
    public override string TypeName => typeName;

    public override bool IsCallable => true;

    public override Value? Attribute(string name) => attributes is not null && attributes.TryGetValue(name, out var value) ? value : null;

    public override Value Call(Arguments arguments, RenderContext context) => body(parameters.Bind(arguments, context));

    /// <summary>Python shows an address here; a rendering must not depend on one.</summary>
    public override void Repr(ReprWriter writer) => writer.Write($"<{typeName} {parameters.Function}>");
}
