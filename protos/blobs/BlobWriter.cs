using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;

namespace Orchestrator.Protos.Blobs;

/// <summary>A tensor that is going to be written.</summary>
public sealed record BlobTensorSpec(string Name, DType Dtype, params IReadOnlyList<ulong> Shape);

/// <summary>What a finished blob is known by.</summary>
/// <param name="Path">The file, in the folder that was given.</param>
/// <param name="Sha256">Lower-case hex of the digest at its end.</param>
/// <param name="Bytes">Size of the file.</param>
public sealed record BlobDigest(string Path, string Sha256, ulong Bytes);

/// <summary>Writes one blob from front to back: tensors in the declared order, each in parts of any size.</summary>
/// <remarks>
/// For one thread. Holds no tensor in memory. The file appears under its name only when <see cref="Complete"/> returns, and is durable then; without it,
/// <see cref="Dispose"/> removes the temporary file. Two writers of one name may race: the name always holds one whole blob.
/// </remarks>
public sealed class BlobWriter : IDisposable
{
    private readonly string _folder;
    private readonly string _temporary;
    private readonly FileStream _stream;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly BlobHeader _header;
    private int _tensor;
    private ulong _written;
    private bool _completed;

    private BlobWriter(string folder, BlobHeader header)
    {
        _folder = folder;
        _header = header;
        _temporary = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        _stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 18);
    }

    /// <summary>Opens a temporary file in the folder (made if need be) and writes the header.</summary>
    /// <exception cref="ArgumentException">A name is empty or used twice, a type is unknown, or the header is over the limit.</exception>
    public static BlobWriter Create(string folder, string kind, IEnumerable<KeyValuePair<string, string>> facts, IReadOnlyList<BlobTensorSpec> tensors)
    {
        var header = Plan(kind, facts, tensors);
        Directory.CreateDirectory(folder);
        var writer = new BlobWriter(folder, header);
        try
        {
            writer.WriteHeader();
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Appends a part of a tensor. Tensors come in the declared order, and one is finished before the next begins.</summary>
    /// <exception cref="InvalidOperationException">Another tensor is due, or the part goes beyond the declared length.</exception>
    public void Write(string tensor, ReadOnlySpan<byte> part)
    {
        SkipEmptyTensors(tensor);
        if (_tensor == _header.Tensors.Count || _header.Tensors[_tensor].Name != tensor)
        {
            throw new InvalidOperationException($"Tensor '{tensor}' is written out of the declared order.");
        }

        var due = _header.Tensors[_tensor];
        if ((ulong)part.Length > due.Length - _written)
        {
            throw new InvalidOperationException($"Tensor '{tensor}' has {due.Length} bytes, but {_written + (ulong)part.Length} are written.");
        }

        Put(part);
        _written += (ulong)part.Length;
        if (_written == due.Length)
        {
            Pad();
            _tensor++;
            _written = 0;
        }
    }

    /// <summary>Writes the digest, makes the file durable and gives it its name, replacing an older file of that name.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not whole.</exception>
    public BlobDigest Complete(string fileName) => Finish(_ => fileName, durable: true);

    /// <summary>The same without making it durable: for what need not outlive the machine, only this process.</summary>
    public BlobDigest CompleteForThisBoot(string fileName) => Finish(_ => fileName, durable: false);

    /// <summary>The same, named by the digest: <c>SHA256.blob</c>.</summary>
    public BlobDigest CompleteByDigest() => Finish(digest => $"{digest}.blob", durable: true);

    public void Dispose()
    {
        _hash.Dispose();
        try
        {
            // On a full disk the rest of its buffer fails once more.
            _stream.Dispose();
        }
        finally
        {
            if (!_completed)
            {
                File.Delete(_temporary);
            }
        }
    }

    private static BlobHeader Plan(string kind, IEnumerable<KeyValuePair<string, string>> facts, IReadOnlyList<BlobTensorSpec> tensors)
    {
        var header = new BlobHeader { Kind = kind };
        // Map fields are written in the order of insertion: sorted, equal facts give equal bytes.
        foreach (var (key, value) in facts.OrderBy(fact => fact.Key, StringComparer.Ordinal))
        {
            header.Facts.Add(key, value);
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        var offset = 0UL;
        foreach (var tensor in tensors)
        {
            if (tensor.Name.Length == 0 || !names.Add(tensor.Name))
            {
                throw new ArgumentException($"The tensor name '{tensor.Name}' is empty or used twice.", nameof(tensors));
            }

            var length = BlobLayout.LengthOf(tensor.Dtype, tensor.Shape)
                ?? throw new ArgumentException($"Tensor '{tensor.Name}' has an unknown type or an impossible shape.", nameof(tensors));
            header.Tensors.Add(new BlobTensor { Name = tensor.Name, Dtype = tensor.Dtype, Shape = { tensor.Shape }, Offset = offset, Length = length });
            offset = BlobLayout.Align(offset + length);
        }

        return header.CalculateSize() <= BlobLayout.MaxHeaderBytes
            ? header
            : throw new ArgumentException("The header is over the limit of a blob.", nameof(tensors));
    }

    private void WriteHeader()
    {
        Span<byte> prefix = stackalloc byte[BlobLayout.PrefixBytes];
        var content = _header.ToByteArray();
        BlobLayout.Magic.CopyTo(prefix);
        BinaryPrimitives.WriteUInt64LittleEndian(prefix[BlobLayout.Magic.Length..], (ulong)content.Length);
        Put(prefix);
        Put(content);
        Pad();
    }

    private BlobDigest Finish(Func<string, string> nameOf, bool durable)
    {
        SkipEmptyTensors(null);
        if (_tensor < _header.Tensors.Count)
        {
            throw new InvalidOperationException($"Tensor '{_header.Tensors[_tensor].Name}' is not whole.");
        }

        var digest = _hash.GetHashAndReset();
        _stream.Write(digest);
        var bytes = (ulong)_stream.Position;
        _stream.Flush(flushToDisk: durable);
        _stream.Dispose();

        var name = Convert.ToHexStringLower(digest);
        var path = Path.Combine(_folder, nameOf(name));
        File.Move(_temporary, path, overwrite: true);
        _completed = true;
        if (durable)
        {
            AtomicFile.SyncFolder(_folder);
        }

        return new BlobDigest(path, name, bytes);
    }

    private void SkipEmptyTensors(string? upTo)
    {
        while (_tensor < _header.Tensors.Count && _header.Tensors[_tensor].Length == 0 && _header.Tensors[_tensor].Name != upTo)
        {
            _tensor++;
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        _hash.AppendData(bytes);
    }

    private void Pad()
    {
        Span<byte> zeros = stackalloc byte[BlobLayout.Alignment];
        zeros.Clear();
        var position = (ulong)_stream.Position;
        Put(zeros[..(int)(BlobLayout.Align(position) - position)]);
    }
}
