using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Transfer;

/// <summary>A tensor's bytes in native memory, 64-byte aligned, on their way between two workers.</summary>
/// <remarks>
/// Counted: made with one owner, <see cref="Retain"/> adds one, <see cref="Dispose"/> lets one go, the last frees. Written by its maker alone,
/// before it is shared; then only read. What an aborted generation left is freed with its handle.
/// </remarks>
internal sealed unsafe class TensorBuffer : IDisposable
{
    private const nuint Alignment = 64;

    private readonly MemoryHandle _memory;
    private int _owners = 1;

    /// <exception cref="OutOfMemoryException">The system has no memory of this size.</exception>
    public TensorBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
        _memory = new MemoryHandle((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment));
        Pointer = (byte*)_memory.DangerousGetHandle();
    }

    public long Bytes { get; }

    /// <summary>The first byte; valid as long as an owner holds the buffer.</summary>
    public byte* Pointer { get; }

    /// <summary>A copy of bytes that stay their owner's.</summary>
    public static TensorBuffer CopyOf(void* source, long bytes)
    {
        var buffer = new TensorBuffer(bytes);
        Buffer.MemoryCopy(source, buffer.Pointer, bytes, bytes);
        return buffer;
    }

    /// <summary>A part of the bytes; at most 2 GB.</summary>
    public Span<byte> Slice(long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Bytes - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"bytes {offset} to {offset + length} of {Bytes}");
        return new Span<byte>(Pointer + offset, length);
    }

    public TensorBuffer Retain()
    {
        Interlocked.Increment(ref _owners);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
            _memory.Dispose();
    }

    private sealed class MemoryHandle : SafeHandle
    {
        public MemoryHandle(nint memory)
            : base(0, ownsHandle: true) => SetHandle(memory);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            NativeMemory.AlignedFree((void*)handle);
            return true;
        }
    }
}
