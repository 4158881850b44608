namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's dict: keys in the order of their first insertion.</summary>
/// <remarks>Written only while it is made; the sandbox lets no template change it.</remarks>
internal sealed class DictValue(Budget budget) : Value
{
    private readonly Dictionary<Value, int> _places = new(budget.Keys);
    private readonly List<KeyValuePair<Value, Value>> _entries = [];

    public IReadOnlyList<KeyValuePair<Value, Value>> Entries => _entries;

    public override string TypeName => "dict";

    public override bool IsTrue => _entries.Count > 0;

    public override int? Length => _entries.Count;

    /// <summary>Adds or overwrites; the first key and its place stay. An unhashable key is Python's TypeError.</summary>
    public void Set(Value key, Value value)
    {
        if (_places.TryGetValue(key, out var place))
        {
            _entries[place] = new(_entries[place].Key, value);
            return;
        }

        _places.Add(key, _entries.Count);
        _entries.Add(new(key, value));
    }

    public void Set(string key, Value value) => Set(new StrValue(key), value);

    /// <summary>The value, or null if the key is not there; an unhashable key is Python's TypeError.</summary>
    public Value? Get(Value key) => _places.TryGetValue(key, out var place) ? _entries[place].Value : null;

    public override IEnumerable<Value> Iterate(Budget budget) => _entries.Select(e => e.Key);

    public override Value? Item(Value key, Budget budget) => KeyComparer.IsHashable(key) ? Get(key) : null;

    public override Value? Attribute(string name) => Methods.DictMethods.Find(this, name);

    public override void Repr(ReprWriter writer)
    {
        writer.Write("{");
        var separator = "";
        foreach (var (key, value) in _entries)
        {
            writer.Write(separator);
            writer.Write(key);
            writer.Write(": ");
            writer.Write(value);
            separator = ", ";
        }

        writer.Write("}");
    }
}
