using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Collectives;

/// <summary>A whole subtree of the reduction tree: slots <c>First</c> to <c>First + Size - 1</c>, Size a power of two that divides First.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Subtree(int First, int Size)
{
    public int End => First + Size;

    /// <summary>Whether this and the next one are the two halves of one subtree of double size.</summary>
    public bool IsLeftSiblingOf(Subtree right) => right.Size == Size && right.First == End && First % (2 * Size) == 0;

    public override string ToString() => Size == 1 ? $"[{First}]" : $"[{First}-{End - 1}]";
}
