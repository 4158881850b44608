namespace Orchestrator.Worker.Collectives;

/// <summary>Finished subtrees in slot order; two siblings merge the moment the second one is there.</summary>
/// <typeparam name="TSum">What a sum lies in: a gradient buffer of a whole stage or of an owner's chunks.</typeparam>
/// <param name="merge">Adds the right sum into the left one and lets the right one go.</param>
/// <remarks>Never holds more than log2(S) + 1 sums. Not thread-safe.</remarks>
internal sealed class SubtreeStack<TSum>(Action<TSum, TSum> merge)
{
    private readonly List<(Subtree Subtree, TSum Sum)> _stack = [];

    /// <summary>What is on the stack, lowest slots first.</summary>
    public IReadOnlyList<(Subtree Subtree, TSum Sum)> Content => _stack;

    /// <summary>Puts the sum of the next subtree on the stack.</summary>
    public void Push(Subtree subtree, TSum sum)
    {
        if (_stack.Count > 0 && _stack[^1].Subtree.End > subtree.First)
            throw new InvalidOperationException($"subtree {subtree} comes after {_stack[^1].Subtree}: sums are pushed in slot order");
        while (_stack.Count > 0 && _stack[^1].Subtree.IsLeftSiblingOf(subtree))
        {
            var (left, leftSum) = _stack[^1];
            _stack.RemoveAt(_stack.Count - 1);
            merge(leftSum, sum);
            (subtree, sum) = (new Subtree(left.First, 2 * left.Size), leftSum);
        }

        _stack.Add((subtree, sum));
    }

    /// <summary>Empties the stack and hands its content over.</summary>
    public IReadOnlyList<(Subtree Subtree, TSum Sum)> TakeAll()
    {
        var content = _stack.ToArray();
        _stack.Clear();
        return content;
    }
}
