namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Jinja's Undefined: prints nothing, is false and empty, and fails in any other use.</summary>
internal sealed class UndefinedValue : Value
{
    private readonly Func<string> _message;
    private readonly TemplateErrorKind _kind;

    private UndefinedValue(Func<string> message, TemplateErrorKind kind = TemplateErrorKind.Undefined) => (_message, _kind) = (message, kind);

    public override string TypeName => "Undefined";

    public override string ObjectName => "jinja2.runtime.Undefined object";

    public override bool IsTrue => false;

    public override int? Length => 0;

    public static UndefinedValue Name(string name) => new(() => $"{StrValue.Quote(name)} is undefined");

    public static UndefinedValue Hint(string hint) => new(() => hint);

    /// <summary>An element or attribute that is not there.</summary>
    public static UndefinedValue Member(Value target, Value name, Budget budget) => new(() =>
    {
        var shown = new ReprWriter(budget);
        shown.Write(name);
        return name is StrValue ? $"{StrValue.Quote(target.ObjectName)} has no attribute {shown}" : $"{target.ObjectName} has no element {shown}";
    });

    /// <summary>What the sandbox gives for an attribute that it does not let a template have.</summary>
    public static UndefinedValue Unsafe(Value target, string name) =>
        new(() => $"access to attribute {StrValue.Quote(name)} of '{target.TypeName}' object is unsafe.", TemplateErrorKind.Security);

    /// <summary>What a use of it is.</summary>
    public TemplateException Error() => new(_kind, _message());

    public override IEnumerable<Value> Iterate(Budget budget) => [];

    public override Value? Item(Value key, Budget budget) => throw Error();

    public override Value Call(Evaluation.Arguments arguments, Evaluation.RenderContext context) => throw Error();

    public override string ToText(Budget budget) => "";

    public override void Repr(ReprWriter writer) => writer.Write("Undefined");
}
