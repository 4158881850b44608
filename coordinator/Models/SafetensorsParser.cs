using System.Buffers.Binary;
using System.Text.Json;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>Checks a safetensors header against every rule of the format.</summary>
/// <remarks>
/// Bytes are foreign: nothing but <see cref="InvalidInputException"/> leaves this class, and nothing is allocated by a declared size before that size was held
/// against the file's real length. Memory grows with the header's bytes that exist, at most 100 MB.
/// </remarks>
internal static class SafetensorsParser
{
    /// <summary>The longest header that the format allows.</summary>
    public const int MaxHeaderBytes = 100_000_000;

    private const int MaxDimensions = 32;

    /// <summary>Parses the header of a file; <paramref name="file"/> is the name for messages and slices.</summary>
    public static SafetensorsHeader Parse(Stream stream, string file)
    {
        ulong length = (ulong)stream.Length;
        if (length < 8)
        {
            throw Refuse(file, $"it has {length} bytes, and a safetensors file begins with 8 bytes that give its header's length");
        }

        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (prefix.SequenceEqual("version "u8))
        {
            throw Refuse(file, "it begins like the small text that git-lfs leaves in place of a file; fetch the file itself, e.g. with git lfs pull");
        }

        if (headerBytes > MaxHeaderBytes)
        {
            throw Refuse(file, $"its header claims {headerBytes} bytes, over the format's limit of 100 MB");
        }

        if (headerBytes > length - 8)
        {
            throw Refuse(file, $"its header claims {headerBytes} bytes, but only {length - 8} follow; the file is truncated");
        }

        byte[] header = new byte[headerBytes];
        stream.ReadExactly(header);
        if (header.Length == 0 || header[0] != (byte)'{')
        {
            throw Refuse(file, "its header does not begin with '{'");
        }

        return ParseJson(header, file, dataStart: 8 + headerBytes, bufferBytes: length - 8 - headerBytes);
    }

    private static SafetensorsHeader ParseJson(byte[] header, string file, ulong dataStart, ulong bufferBytes)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var tensors = new List<SafetensorsTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 8 });
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                if (!names.Add(name))
                {
                    throw Refuse(file, name, "its key stands twice in the header");
                }

                reader.Read();
                if (name == "__metadata__")
                {
                    ReadMetadata(ref reader, file, metadata);
                }
                else
                {
                    tensors.Add(ReadTensor(ref reader, file, name));
                }
            }

            while (reader.Read())
            {
                throw Refuse(file, "its header goes on after the closing '}'");
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            // InvalidOperationException: a string that is no valid UTF-8 or UTF-16.
            throw new InvalidInputException($"{file} is not a valid safetensors file: its header is not valid JSON ({Brief(error)}).", error);
        }

        CheckRanges(file, tensors, bufferBytes);
        return new SafetensorsHeader(file, metadata, [.. tensors.Select(tensor => tensor with { Offset = dataStart + tensor.Offset })]);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, string file, Dictionary<string, string> metadata)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Refuse(file, "__metadata__ is not an object of strings");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Refuse(file, $"__metadata__ key '{Clip(key)}' is not a string");
            }

            if (!metadata.TryAdd(key, reader.GetString()!))
            {
                throw Refuse(file, $"__metadata__ key '{Clip(key)}' stands twice");
            }
        }
    }

    private static SafetensorsTensor ReadTensor(ref Utf8JsonReader reader, string file, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Refuse(file, name, "its entry is not an object with dtype, shape and data_offsets");
        }

        string? dtypeName = null;
        List<ulong>? shape = null;
        List<ulong>? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if ((key, dtypeName, shape, offsets) is not (("dtype", null, _, _) or ("shape", _, null, _) or ("data_offsets", _, _, null)))
            {
                string problem = key is "dtype" or "shape" or "data_offsets"
                    ? $"its key {key} stands twice"
                    : $"its key '{Clip(key)}' is none of dtype, shape and data_offsets";
                throw Refuse(file, name, problem);
            }

            switch (key)
            {
                case "dtype":
                    dtypeName = reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw Refuse(file, name, "its dtype is not a string");
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, file, name, "shape");
                    break;
                default:
                    offsets = ReadNumbers(ref reader, file, name, "data_offsets");
                    break;
            }
        }

        if (dtypeName is null || shape is null || offsets is null)
        {
            throw Refuse(file, name, $"its entry lacks {(dtypeName is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        }

        return Check(file, name, dtypeName, shape, offsets);
    }

    private static SafetensorsTensor Check(string file, string name, string dtypeName, List<ulong> shape, List<ulong> offsets)
    {
        if (!SafetensorsDTypes.TryFind(dtypeName, out int bits, out DType dtype))
        {
            throw Refuse(file, name, $"its dtype '{Clip(dtypeName)}' is unknown");
        }

        if (offsets.Count != 2 || offsets[0] > offsets[1])
        {
            throw Refuse(file, name, "its data_offsets are not [begin, end] with begin <= end");
        }

        UInt128 elements = 1;
        foreach (ulong size in shape)
        {
            elements *= size;
            if (elements > ulong.MaxValue)
            {
                throw Refuse(file, name, $"its shape {Describe(shape)} overflows");
            }
        }

        UInt128 needed = elements * (uint)bits;
        if (needed % 8 != 0 || needed / 8 != offsets[1] - offsets[0])
        {
            throw Refuse(file, name, $"its shape {Describe(shape)} of {dtypeName} does not fill its range of {offsets[1] - offsets[0]} bytes");
        }

        return new SafetensorsTensor(name, dtypeName, dtype, [.. shape], offsets[0], offsets[1] - offsets[0]);
    }

    private static List<ulong> ReadNumbers(ref Utf8JsonReader reader, string file, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Refuse(file, name, $"its {key} is not a list of whole numbers");
        }

        var numbers = new List<ulong>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetUInt64(out ulong number))
            {
                throw Refuse(file, name, $"its {key} is not a list of whole numbers from 0 to 2^64 - 1");
            }

            numbers.Add(number);
            if (numbers.Count > MaxDimensions)
            {
                throw Refuse(file, name, $"its {key} has more than {MaxDimensions} entries");
            }
        }

        return numbers;
    }

    // Sorts by range and holds the ranges against the buffer: contiguous from 0, no overlap, nothing left over.
    private static void CheckRanges(string file, List<SafetensorsTensor> tensors, ulong bufferBytes)
    {
        tensors.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset)
            : a.Length != b.Length ? a.Length.CompareTo(b.Length)
            : string.CompareOrdinal(a.Name, b.Name));
        ulong end = 0;
        string before = "";
        foreach (SafetensorsTensor tensor in tensors)
        {
            if (tensor.Offset < end)
            {
                throw Refuse(file, tensor.Name, $"its range overlaps that of '{Clip(before)}'");
            }

            if (tensor.Offset > end)
            {
                string rule = end == 0 && before.Length == 0
                    ? "the first range does not start at 0"
                    : $"{tensor.Offset - end} bytes before its range belong to no tensor";
                throw Refuse(file, tensor.Name, rule);
            }

            if (tensor.Length > bufferBytes - end)
            {
                UInt128 last = (UInt128)end + tensor.Length;
                throw Refuse(file, tensor.Name, $"its range ends at byte {last} of a buffer of {bufferBytes}; the file is truncated or its header lies");
            }

            end += tensor.Length;
            before = tensor.Name;
        }

        if (end != bufferBytes)
        {
            throw Refuse(file, $"{bufferBytes - end} bytes at its end belong to no tensor");
        }
    }

    private static InvalidInputException Refuse(string file, string rule) => new($"{file} is not a valid safetensors file: {rule}.");

    private static InvalidInputException Refuse(string file, string tensor, string rule) =>
        new($"{file} is not a valid safetensors file: tensor '{Clip(tensor)}': {rule}.");

    private static string Describe(List<ulong> shape) => SafetensorsTensor.Describe(shape);

    // A foreign name may be 100 MB long or hold control characters: neither belongs in a sentence.
    private static string Clip(string text) => ForeignText.Clip(text);

    private static string Brief(Exception error) => ForeignText.Clip(error.Message.Split(". ")[0].TrimEnd('.'));
}
