using System.Buffers.Binary;
using System.Text;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Makes safetensors files of any header, right or wrong.</summary>
internal static class SafetensorsFiles
{
    /// <summary>A right header with two tensors over a buffer of 20 bytes.</summary>
    public const string Valid = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}}""";

    /// <summary>The file's bytes: length, header, buffer of zeros.</summary>
    public static byte[] Build(string header, int bufferBytes = 20, ulong? claimedHeaderBytes = null)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + text.Length + bufferBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimedHeaderBytes ?? (ulong)text.Length);
        text.CopyTo(file, 8);
        return file;
    }
}
