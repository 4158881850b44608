using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>A tensor to be written: its bytes come from a callback, so none needs to lie in memory.</summary>
/// <param name="Name">Key in the file.</param>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Shape.</param>
/// <param name="CopyTo">Writes exactly the tensor's bytes, little-endian and row-major.</param>
internal sealed record SafetensorsSource(string Name, DType DType, IReadOnlyList<ulong> Shape, Action<Stream> CopyTo)
{
    /// <summary>Bytes of the tensor.</summary>
    public ulong Length => Shape.Aggregate(1UL, (product, size) => checked(product * size)) * (ulong)SafetensorsDTypes.BytesOf(DType);
}

/// <summary>Writes safetensors files byte for byte as the reference library does.</summary>
/// <remarks>
/// Tensors are ordered by element size (larger first) and name; the header is compact JSON, padded with spaces to 8 bytes. Tensors are streamed, so memory
/// stays bounded.
/// </remarks>
internal static class SafetensorsWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes header and tensors to a stream.</summary>
    public static void Write(Stream stream, IReadOnlyDictionary<string, string> metadata, IEnumerable<SafetensorsSource> tensors)
    {
        SafetensorsSource[] ordered =
        [
            .. tensors.OrderByDescending(tensor => SafetensorsDTypes.BytesOf(tensor.DType)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal),
        ];
        byte[] header = Header(metadata, ordered);
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        stream.Write(header);
        foreach (SafetensorsSource tensor in ordered)
        {
            long before = stream.Position;
            tensor.CopyTo(stream);
            ulong written = (ulong)(stream.Position - before);
            if (written != tensor.Length)
            {
                throw new InvalidOperationException($"The source of tensor {tensor.Name} wrote {written} bytes instead of {tensor.Length}.");
            }
        }
    }

    private static byte[] Header(IReadOnlyDictionary<string, string> metadata, SafetensorsSource[] tensors)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            ulong offset = 0;
            foreach (SafetensorsSource tensor in tensors)
            {
                WriteEntry(json, tensor, ref offset);
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }

    private static void WriteEntry(Utf8JsonWriter json, SafetensorsSource tensor, ref ulong offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", SafetensorsDTypes.NameOf(tensor.DType));
        json.WriteStartArray("shape");
        foreach (ulong size in tensor.Shape)
        {
            json.WriteNumberValue(size);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        offset = checked(offset + tensor.Length);
        json.WriteNumberValue(offset);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
