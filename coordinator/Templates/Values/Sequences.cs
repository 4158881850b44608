namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>What list and tuple share.</summary>
internal static class Sequences
{
    public static Value? Item(IReadOnlyList<Value> items, Value key)
    {
        if (!IntValue.TryGet(key, out var index))
        {
            return null;
        }

        index = index < 0 ? index + items.Count : index;
        return index < 0 || index >= items.Count ? null : items[(int)index];
    }
}
