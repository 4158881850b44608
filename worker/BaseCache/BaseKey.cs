using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Protos;

namespace Orchestrator.Worker.BaseCache;

/// <summary>What a quantized base weight is known by: SHA-256 of everything that fixes its bytes.</summary>
/// <param name="Hex">Lower-case hex.</param>
/// <remarks>A file's content is taken to be fixed by its path, size and time of the last change, as build tools take it.</remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BaseKey(string Hex)
{
    /// <summary>Changes with the blob's layout and with the definition of the codes: older blobs are not found any more.</summary>
    private const int Format = 1;

    /// <param name="slice">Which bytes of which file.</param>
    /// <param name="file">The file as it is now.</param>
    /// <param name="quantization">What becomes of them.</param>
    public static BaseKey Of(TensorSlice slice, FileVersion file, QuantizationSpec quantization)
    {
        // The path comes last, for it alone may hold any character.
        var facts = string.Create(
            CultureInfo.InvariantCulture,
            $"{Format}|{slice.Offset}|{slice.Length}|{(int)slice.Dtype}|{string.Join(',', slice.Shape)}|{(int)quantization.Type}|{quantization.BlockSize}|{quantization.DoubleQuant}|{file.Bytes}|{file.ChangedTicks}|{slice.File}");
        return new BaseKey(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts))));
    }

    /// <summary>Whether a text could be a key; nothing else may become part of a path.</summary>
    public static bool IsKey(string text) => text.Length == SHA256.HashSizeInBytes * 2 && text.All(char.IsAsciiHexDigitLower);

    public override string ToString() => Hex;
}
