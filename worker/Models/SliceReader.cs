using Microsoft.Win32.SafeHandles;
using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Reads tensor slices of model files into host memory and counts the bytes.</summary>
/// <remarks>One file handle is kept open at a time: a stage's slices mostly lie in few files, layer after layer. Not thread-safe.</remarks>
internal sealed class SliceReader : IDisposable
{
    private const int ReadBytes = 16 << 20;

    private SafeFileHandle? _file;
    private string _path = "";

    /// <summary>Bytes read so far.</summary>
    public ulong BytesRead { get; private set; }

    /// <summary>The file of a slice as it is now; the slice is checked as for <see cref="Read"/>, and none of its bytes is read.</summary>
    /// <exception cref="WorkerFaultException">The slice is not of this shape or of a floating-point type, or the file cannot be opened.</exception>
    public FileVersion VersionOf(TensorSlice slice, params ReadOnlySpan<long> shape)
    {
        Check(slice, shape);
        try
        {
            Open(slice.File);
            return new FileVersion(RandomAccess.GetLength(_file!), File.GetLastWriteTimeUtc(_file!).Ticks);
        }
        catch (Exception failure) when (IsOfTheFile(failure))
        {
            throw Unreadable(slice, failure);
        }
    }

    /// <summary>A host tensor of the slice's own type and shape; the caller's to dispose.</summary>
    /// <param name="slice">Where the bytes lie.</param>
    /// <param name="shape">The shape that the model needs.</param>
    /// <exception cref="WorkerFaultException">The slice is not of this shape or of a floating-point type, or the file cannot be read or is too short.</exception>
    public unsafe torch.Tensor Read(TensorSlice slice, params ReadOnlySpan<long> shape)
    {
        Check(slice, shape);
        var tensor = torch.empty([.. shape], ElementTypes.ToScalarType(slice.Dtype)).DetachFromDisposeScope();
        try
        {
            var target = TensorMemory.Pointer(tensor);
            for (var done = 0UL; done < slice.Length;)
            {
                var part = new Span<byte>(target + done, (int)Math.Min(ReadBytes, slice.Length - done));
                Fill(slice, (long)(slice.Offset + done), part);
                done += (ulong)part.Length;
            }

            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    public void Dispose() => _file?.Dispose();

    private static void Check(TensorSlice slice, ReadOnlySpan<long> shape)
    {
        var elements = 1UL;
        var same = slice.Shape.Count == shape.Length;
        for (var i = 0; i < shape.Length; i++)
        {
            same = same && slice.Shape[i] == (ulong)shape[i];
            elements *= (ulong)shape[i];
        }

        if (!same)
        {
            throw Bad(slice, $"has shape [{string.Join(", ", slice.Shape)}] where the model's configuration needs [{string.Join(", ", shape.ToArray())}]");
        }

        if (!ElementTypes.IsWeightType(slice.Dtype))
        {
            throw Bad(slice, $"has type {slice.Dtype}; weights are F32, BF16 or F16");
        }

        var needed = elements * (slice.Dtype == DType.F32 ? 4UL : 2UL);
        if (slice.Length != needed)
        {
            throw Bad(slice, $"has {slice.Length} bytes where its shape needs {needed}");
        }
    }

    private void Fill(TensorSlice slice, long offset, Span<byte> target)
    {
        try
        {
            Open(slice.File);
            while (!target.IsEmpty)
            {
                var read = RandomAccess.Read(_file!, target, offset);
                if (read == 0)
                {
                    throw Bad(slice, "is cut off: the file ends before it does");
                }

                BytesRead += (ulong)read;
                offset += read;
                target = target[read..];
            }
        }
        catch (Exception failure) when (IsOfTheFile(failure))
        {
            throw Unreadable(slice, failure);
        }
    }

    private void Open(string path)
    {
        if (_file is not null && _path == path)
        {
            return;
        }

        _file?.Dispose();
        _file = null;
        _file = File.OpenHandle(path);
        _path = path;
    }

    private static bool IsOfTheFile(Exception failure) => failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    private static WorkerFaultException Unreadable(TensorSlice slice, Exception failure) =>
        new(ErrorCode.BadData, $"Tensor '{slice.Name}' in '{slice.File}' cannot be read: {failure.Message}", failure);

    private static WorkerFaultException Bad(TensorSlice slice, string what) => new(ErrorCode.BadData, $"Tensor '{slice.Name}' in '{slice.File}' {what}.");
}
