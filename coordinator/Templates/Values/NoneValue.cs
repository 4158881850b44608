namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's None.</summary>
internal sealed class NoneValue : Value
{
    private NoneValue()
    {
    }

    public static NoneValue Instance { get; } = new();

    public override string TypeName => "NoneType";

    public override string ObjectName => "None";

    public override bool IsTrue => false;

    public override void Repr(ReprWriter writer) => writer.Write("None");
}
