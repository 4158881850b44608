using System.Collections.Immutable;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>One tensor of a safetensors file; the offset counts from the file's first byte.</summary>
internal sealed record SafetensorsTensor(string Name, string DTypeName, DType DType, ImmutableArray<ulong> Shape, ulong Offset, ulong Length)
{
    /// <summary>The shape as people write it, e.g. <c>[64, 112]</c>.</summary>
    public string ShapeText => Describe(Shape);

    /// <summary>Writes a shape as people do.</summary>
    public static string Describe(IEnumerable<ulong> shape) => $"[{string.Join(", ", shape)}]";
}

/// <summary>The checked header of one safetensors file.</summary>
/// <remarks>
/// Immutable. What it says was held against the file's real length: every tensor's range lies in the file, ranges are contiguous and cover the whole buffer.
/// No tensor bytes are read.
/// </remarks>
internal sealed class SafetensorsHeader
{
    private readonly Dictionary<string, SafetensorsTensor> _byName;

    internal SafetensorsHeader(string file, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<SafetensorsTensor> tensors)
    {
        File = file;
        Metadata = metadata;
        Tensors = tensors;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>Absolute path.</summary>
    public string File { get; }

    /// <summary>The header's <c>__metadata__</c>; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>All tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The tensor of that name, or null.</summary>
    public SafetensorsTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Reads and checks the header of a file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or breaks a rule of the format; names the file, the tensor and the rule.</exception>
    public static SafetensorsHeader Read(string path)
    {
        string file = Path.GetFullPath(path);
        try
        {
            // What has no length may be a pipe, which would be waited for until somebody writes to it.
            if (new FileInfo(file) is { Exists: true, Length: 0 })
            {
                throw new InvalidInputException($"{file} is not a valid safetensors file: it has 0 bytes, as a pipe has, too; copy the weights again.");
            }

            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return SafetensorsParser.Parse(stream, file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{file} cannot be read: {ReadFailure.Reason(error)}.", error);
        }
    }

    /// <summary>The tensor as a slice that a worker can load.</summary>
    public TensorSlice ToSlice(SafetensorsTensor tensor)
    {
        var slice = new TensorSlice { Name = tensor.Name, File = File, Offset = tensor.Offset, Length = tensor.Length, Dtype = tensor.DType };
        slice.Shape.AddRange(tensor.Shape);
        return slice;
    }
}
