namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>A lazy sequence that can be walked once, as map, select and reversed give it.</summary>
internal sealed class GeneratorValue(IEnumerable<Value> items, string name, string typeName = "generator") : Value
{
    private readonly IEnumerator<Value> _items = items.GetEnumerator();

    public override string TypeName => typeName;

    public override IEnumerable<Value> Iterate(Budget budget)
    {
        while (_items.MoveNext())
        {
            yield return _items.Current;
        }
    }

    /// <summary>Python shows an address here; a rendering must not depend on one.</summary>
    public override void Repr(ReprWriter writer) => writer.Write($"<{typeName} object{(name.Length > 0 ? " " : "")}{name} at 0x0>");
}
