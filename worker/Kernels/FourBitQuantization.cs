using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Kernels;

/// <summary>Quantizes one block of fp32 values to 4-bit codes: the contract, its readable reference and the choice of a variant.</summary>
/// <remarks>
/// A full block: absmax = max|x|, inverse = 1 / max(absmax, 1e-38), value = clamp(x * inverse, -1, 1), each rounded to fp32. A short
/// last block: absmax = max(max|x|, 1e-38), and it divides. The even element's code is the byte's high nibble. An absmax that is not finite says
/// that the block holds a NaN or an infinity; its codes then mean nothing. Every variant gives the bits of the reference.
/// </remarks>
internal static unsafe class FourBitQuantization
{
    /// <summary>The least absmax that is divided by.</summary>
    public const float Tiny = 1e-38f;

    /// <summary>Quantizes a full block with the process's instruction path; <paramref name="length"/> is a multiple of 32.</summary>
    /// <returns>The block's absmax.</returns>
    public static float FullBlock(float* x, int length, CodeBook book, byte* codes) => FullBlock(NumericEnvironment.Path, x, length, book, codes);

    /// <inheritdoc cref="FullBlock(float*, int, CodeBook, byte*)"/>
    public static float FullBlock(InstructionPath path, float* x, int length, CodeBook book, byte* codes) => path switch
    {
        InstructionPath.Portable => FullBlockReference(x, length, book, codes),
        InstructionPath.Avx2 => FourBitQuantizationAvx2.FullBlock(x, length, book, codes),
        _ => FourBitQuantizationAvx512.FullBlock(x, length, book, codes),
    };

    /// <summary>The reference, and the portable variant.</summary>
    public static float FullBlockReference(float* x, int length, CodeBook book, byte* codes)
    {
        var absmax = Absmax(x, length);
        var inverse = 1f / Math.Max(absmax, Tiny);
        for (var i = 0; i < length; i += 2)
            codes[i / 2] = Pack(book.Encode(Clamp(x[i] * inverse)), book.Encode(Clamp(x[i + 1] * inverse)));
        return absmax;
    }

    /// <summary>The short last block of a matrix, of any length; an odd one's last low nibble is the code of 0.</summary>
    public static float ShortBlock(float* x, int length, CodeBook book, byte* codes)
    {
        var absmax = Math.Max(Absmax(x, length), Tiny);
        for (var i = 0; i < length; i += 2)
            codes[i / 2] = Pack(book.Encode(Clamp(x[i] / absmax)), book.Encode(i + 1 < length ? Clamp(x[i + 1] / absmax) : 0f));
        return absmax;
    }

    // Math.Max hands a NaN on, so a block with one has a NaN for its absmax.
    private static float Absmax(float* x, int length)
    {
        var absmax = 0f;
        for (var i = 0; i < length; i++)
            absmax = Math.Max(absmax, Math.Abs(x[i]));
        return absmax;
    }

    private static float Clamp(float value) => Math.Min(Math.Max(value, -1f), 1f);

    private static byte Pack(byte even, byte odd) => (byte)((even << 4) | odd);
}
