namespace Orchestrator.Worker.Models;

/// <summary>Heads that lie together in a fused projection: groups of query heads that share a key head, or single key or value heads.</summary>
/// <param name="First">First head.</param>
/// <param name="Groups">Key heads.</param>
/// <param name="GroupSize">Heads of a group.</param>
/// <param name="HeadDim">Width of a head.</param>
internal readonly record struct HeadRange(int First, int Groups, int GroupSize, int HeadDim)
{
    /// <summary>First column in the projection.</summary>
    public int FirstColumn => First * HeadDim;

    /// <summary>Columns in the projection.</summary>
    public int Columns => Groups * GroupSize * HeadDim;

    /// <summary>Row of a head and token in [groups, tokens, group size, head_dim].</summary>
    public long RowOf(int head, long token, long tokens) => ((((head / GroupSize) * tokens) + token) * GroupSize) + (head % GroupSize);
}
