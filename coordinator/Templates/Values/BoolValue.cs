namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's bool, which is a number too.</summary>
internal sealed class BoolValue : Value
{
    private BoolValue(bool value) => IsTrue = value;

    public static BoolValue True { get; } = new(true);

    public static BoolValue False { get; } = new(false);

    public override string TypeName => "bool";

    public override bool IsTrue { get; }

    public static BoolValue Of(bool value) => value ? True : False;

    public override Value? Attribute(string name) => Methods.NumberMethods.OfInteger(IsTrue ? 1 : 0, name);

    public override void Repr(ReprWriter writer) => writer.Write(IsTrue ? "True" : "False");
}
