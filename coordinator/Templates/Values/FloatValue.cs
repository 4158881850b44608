namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's float.</summary>
internal sealed class FloatValue(double value) : Value
{
    public double Number { get; } = value;

    public override string TypeName => "float";

    public override bool IsTrue => Number != 0;

    public override Value? Attribute(string name) => Methods.NumberMethods.OfFloat(this, name);

    public override void Repr(ReprWriter writer) => writer.Write(Text.FloatText.Repr(Number));
}
