using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Transfer;

/// <summary>A tensor's bytes in native memory on their way between two workers.</summary>
/// <remarks>
/// Counted: made with one owner, <see cref="Retain"/> adds one, <see cref="Dispose"/> lets one go, the last frees. Written by its maker alone,
/// before it is shared; then only read. What an aborted generation left is freed with its handle.
/// </remarks>
/// <param name="bytes">Their number; their content is undefined at first.</param>
/// <exception cref="OutOfMemoryException">The system has no memory of this size.</exception>
internal sealed unsafe class TensorBuffer(long bytes) : IDisposable
{
    private readonly NativeBuffer _memory = new(bytes, cleared: false);
    private int _owners = 1;

    public long Bytes => _memory.Length;

    /// <summary>The first byte; valid as long as an owner holds the buffer.</summary>
    public byte* Pointer => _memory.Pointer;

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
}
