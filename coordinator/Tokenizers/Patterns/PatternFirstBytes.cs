namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>Finds the bytes with which a match of a node can begin, so that most alternatives are passed over by one look.</summary>
internal static class PatternFirstBytes
{
    /// <summary>A table of 256, or null where the node can match without taking a character.</summary>
    public static bool[]? Of(PatternNode node)
    {
        var table = new bool[256];
        return Add(node, table) ? null : table;
    }

    // Adds what the node can begin with; true if it can match nothing.
    private static bool Add(PatternNode node, bool[] table)
    {
        switch (node)
        {
            case SetNode set:
                for (int b = 0; b < 256; b++)
                {
                    table[b] |= set.Set.FirstByte[b] != RuneSet.No;
                }

                return false;
            case SequenceNode sequence:
                return sequence.Items.All(item => Add(item, table));
            case ChoiceNode choice:
                bool empty = false;
                foreach (var item in choice.Items)
                {
                    empty |= Add(item, table);
                }

                return empty;
            case RepeatNode repeat:
                return Add(repeat.Body, table) || repeat.Min == 0;
            case AtomicNode atomic:
                return Add(atomic.Body, table);
            default:
                return true;
        }
    }
}
