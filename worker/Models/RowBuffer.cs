using System.Buffers;

namespace Orchestrator.Worker.Models;

/// <summary>Pooled fp32 scratch for the rows of one call.</summary>
/// <remarks>Used by one thread; disposed at the end of its rows.</remarks>
internal ref struct RowBuffer(int elements)
{
    private readonly float[] _rented = ArrayPool<float>.Shared.Rent(elements);
    private int _next;

    /// <summary>The next part; its content is undefined.</summary>
    public Span<float> Take(int count)
    {
        var part = _rented.AsSpan(_next, count);
        _next += count;
        return part;
    }

    public readonly void Dispose() => ArrayPool<float>.Shared.Return(_rented);
}
