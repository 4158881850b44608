using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Orchestrator.Protos.Blobs;

/// <summary>A blob on disk, mapped into memory, with every statement of its header checked.</summary>
/// <remarks>
/// Safe for concurrent reads. Spans and streams point into the mapping and are valid until <see cref="Dispose"/>. Blobs never change under their name, so
/// the mapping stays whole even when the name is replaced or deleted.
/// </remarks>
public sealed unsafe class BlobReader : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly ulong _area;
    private readonly Dictionary<string, BlobTensor> _tensors;
    private bool _disposed;

    private BlobReader(string path, FileStream file)
    {
        FilePath = path;
        Bytes = (ulong)file.Length;
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        try
        {
            var headerBytes = BlobLayout.ParsePrefix(new ReadOnlySpan<byte>(_start, BlobLayout.PrefixBytes), Bytes, path);
            Header = BlobLayout.ParseHeader(new ReadOnlySpan<byte>(_start + BlobLayout.PrefixBytes, headerBytes), Bytes, path);
            _area = BlobLayout.Align(BlobLayout.PrefixBytes + (ulong)headerBytes);
            _tensors = Header.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
            Sha256 = Convert.ToHexStringLower(new ReadOnlySpan<byte>(_start + Bytes - BlobLayout.DigestBytes, BlobLayout.DigestBytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string FilePath { get; }

    /// <summary>Size of the file.</summary>
    public ulong Bytes { get; }

    /// <summary>Lower-case hex of the digest that the file carries.</summary>
    public string Sha256 { get; }

    public BlobHeader Header { get; }

    /// <summary>Opens a blob and checks header and digest (which reads it once).</summary>
    /// <param name="path">The file.</param>
    /// <param name="expectedSha256">The digest that it must have, lower-case hex; null: whatever it carries.</param>
    /// <param name="verify">False skips reading the file to check its digest: only for a file that this process has just checked or written.</param>
    /// <exception cref="BlobFormatException">It is not a whole blob, its header lies, or its digest is another.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static BlobReader Open(string path, string? expectedSha256 = null, bool verify = true)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        if (file.Length < BlobLayout.PrefixBytes + BlobLayout.DigestBytes)
        {
            throw new BlobFormatException(path, null, $"it has {file.Length} bytes, too few for a blob");
        }

        var reader = new BlobReader(path, file);
        try
        {
            reader.Check(expectedSha256, verify);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    public bool Contains(string tensor) => _tensors.ContainsKey(tensor);

    /// <exception cref="BlobFormatException">The blob has no such tensor.</exception>
    public BlobTensor Tensor(string name)
        => _tensors.TryGetValue(name, out var tensor) ? tensor : throw new BlobFormatException(FilePath, name, "the blob has no such tensor");

    /// <summary>The address of a tensor's first byte, 64-byte aligned, valid until <see cref="Dispose"/>; its length is <see cref="BlobTensor.Length"/>.</summary>
    public nint Address(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (nint)(_start + _area + Tensor(name).Offset);
    }

    /// <summary>A tensor's bytes. For tensors of 2 GiB and more use <see cref="Address"/> or <see cref="OpenStream"/>.</summary>
    public ReadOnlySpan<byte> BytesOf(string name)
    {
        var length = Tensor(name).Length;
        return length <= int.MaxValue
            ? new ReadOnlySpan<byte>((void*)Address(name), (int)length)
            : throw new BlobFormatException(FilePath, name, $"its {length} bytes are too many for one span");
    }

    /// <summary>A tensor's elements, after checking that it has the given type.</summary>
    public ReadOnlySpan<T> Values<T>(string name, DType dtype)
        where T : unmanaged
    {
        if (Tensor(name).Dtype != dtype || BlobLayout.BytesOf(dtype) != sizeof(T))
        {
            throw new BlobFormatException(FilePath, name, $"its element type is {Tensor(name).Dtype} where {dtype} was expected");
        }

        return MemoryMarshal.Cast<byte, T>(BytesOf(name));
    }

    /// <summary>A tensor's bytes as a read-only stream, of any length.</summary>
    public Stream OpenStream(string name) => new UnmanagedMemoryStream((byte*)Address(name), checked((long)Tensor(name).Length));

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private void Check(string? expectedSha256, bool verify)
    {
        if (expectedSha256 is not null && expectedSha256 != Sha256)
        {
            throw new BlobFormatException(FilePath, null, $"its digest is {Sha256} where {expectedSha256} was expected");
        }

        if (verify && ComputeDigest() != Sha256)
        {
            throw new BlobFormatException(FilePath, null, "its content does not match the digest at its end");
        }
    }

    private string ComputeDigest()
    {
        const int Part = 1 << 20;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var end = Bytes - BlobLayout.DigestBytes;
        for (var at = 0UL; at < end; at += Part)
        {
            hash.AppendData(new ReadOnlySpan<byte>(_start + at, (int)Math.Min(Part, end - at)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
