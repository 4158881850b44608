using System.Collections;
using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>An immutable ordered list of name and value pairs (PEFT tries patterns in the document's order) that compares by value.</summary>
internal sealed class ValueMap<T> : IReadOnlyList<KeyValuePair<string, T>>, IEquatable<ValueMap<T>>
{
    public static readonly ValueMap<T> Empty = new([]);

    private readonly ImmutableArray<KeyValuePair<string, T>> _items;

    public ValueMap(IEnumerable<KeyValuePair<string, T>> items) => _items = [.. items];

    public int Count => _items.Length;

    public KeyValuePair<string, T> this[int index] => _items[index];

    public bool Equals(ValueMap<T>? other) => other is not null && _items.SequenceEqual(other._items);

    public override bool Equals(object? obj) => Equals(obj as ValueMap<T>);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (name, value) in _items)
        {
            hash.Add(name);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    public override string ToString() => YamlText.Write(this);

    public ImmutableArray<KeyValuePair<string, T>>.Enumerator GetEnumerator() => _items.GetEnumerator();

    IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() => ((IEnumerable<KeyValuePair<string, T>>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)_items).GetEnumerator();
}
