using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Jinja's joiner: empty at the first call, the separator at every other one.</summary>
internal sealed class JoinerValue(Value separator) : Value
{
    private static readonly Parameters CallParameters = Parameters.Of("Joiner.__call__");
    private bool _used;

    public override string TypeName => "Joiner";

    public override string ObjectName => "jinja2.utils.Joiner object";

    public override bool IsCallable => true;

    public override Value? Attribute(string name) => name switch
    {
        "sep" => separator,
        "used" => BoolValue.Of(_used),
        _ => null,
    };

    public override Value Call(Arguments arguments, RenderContext context)
    {
        CallParameters.Bind(arguments, context);
        var value = _used ? separator : StrValue.Empty;
        _used = true;
        return value;
    }

    public override void Repr(ReprWriter writer) => writer.Write("<jinja2.utils.Joiner object at 0x0>");
}
