using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Runtime;

/// <summary>64-byte aligned memory outside of the managed heap, freed by Dispose or by the finalizer.</summary>
internal sealed unsafe class NativeBuffer : SafeHandle
{
    private const int Alignment = 64;

    /// <param name="length">Bytes.</param>
    /// <param name="cleared">Whether they are zero at first; else their content is undefined.</param>
    /// <exception cref="OutOfMemoryException">The system has no memory of this size.</exception>
    public NativeBuffer(long length, bool cleared)
        : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        // A small slack lets vector code read a whole vector at the end.
        var bytes = (nuint)length + Alignment;
        SetHandle((nint)NativeMemory.AlignedAlloc(bytes, Alignment));
        if (cleared)
            NativeMemory.Clear((void*)handle, bytes);
    }

    public long Length { get; }

    /// <summary>The first byte; valid until the buffer is disposed.</summary>
    public byte* Pointer => (byte*)handle;

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
