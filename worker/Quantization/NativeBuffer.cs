using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Quantization;

/// <summary>64-byte aligned memory outside of the managed heap, freed by Dispose or by the finalizer.</summary>
internal sealed unsafe class NativeBuffer : SafeHandle
{
    public NativeBuffer(long length)
        : base(0, ownsHandle: true)
    {
        Length = length;
        // A small slack lets vector code read a whole vector at the end.
        SetHandle((nint)NativeMemory.AlignedAlloc((nuint)length + 64, 64));
        NativeMemory.Clear((void*)handle, (nuint)length + 64);
    }

    public long Length { get; }

    public byte* Pointer => (byte*)handle;

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
