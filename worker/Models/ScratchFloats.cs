using System.Buffers;
using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Models;

/// <summary>Pooled, pinned fp32 memory for the matrices of one call; every row lies on a vector's boundary.</summary>
/// <remarks>Taken apart by one thread; its content is undefined at first. Disposed when nothing reads the blocks any more.</remarks>
internal sealed class ScratchFloats : IDisposable
{
    private readonly float[] _rented;
    private GCHandle _pin;
    private nint _next;

    /// <param name="elements">The sum of <see cref="Size"/> of all matrices.</param>
    public ScratchFloats(int elements)
    {
        _rented = ArrayPool<float>.Shared.Rent(elements + BlockProduct.Lanes);
        _pin = GCHandle.Alloc(_rented, GCHandleType.Pinned);
        _next = (_pin.AddrOfPinnedObject() + 63) & ~(nint)63;
    }

    /// <summary>Elements that a matrix takes, its columns padded to whole vectors.</summary>
    public static int Size(int rows, int columns) => checked(rows * BlockProduct.Padded(columns));

    /// <summary>The next matrix.</summary>
    public Block Take(int rows, int columns)
    {
        var block = new Block(_next, BlockProduct.Padded(columns));
        _next += (nint)Size(rows, columns) * sizeof(float);
        return block;
    }

    public void Dispose()
    {
        _pin.Free();
        ArrayPool<float>.Shared.Return(_rented);
    }
}
