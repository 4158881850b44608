using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Kernels;

/// <summary>Writes the values of one block of 4-bit codes: the contract, its readable reference and the choice of a variant.</summary>
/// <remarks>
/// value = map[code] * absmax rounded to fp32, then rounded once (nearest even) to the wanted type. A block has only 16 values, so
/// every variant makes that table once a block and then moves elements. Every variant gives the bits of the reference.
/// </remarks>
internal static unsafe class FourBitDequantization
{
    /// <summary>Writes <paramref name="length"/> elements with the process's instruction path; the first is a byte's high nibble.</summary>
    public static void Block(byte* codes, int length, float absmax, CodeBook book, DType type, void* destination) =>
        Block(NumericEnvironment.Path, codes, length, absmax, book, type, destination);

    /// <inheritdoc cref="Block(byte*, int, float, CodeBook, DType, void*)"/>
    [SkipLocalsInit]
    public static void Block(InstructionPath path, byte* codes, int length, float absmax, CodeBook book, DType type, void* destination)
    {
        var done = 0;
        if (type == DType.F32)
        {
            var table = stackalloc float[16];
            FillTable(book, absmax, table);
            done = path switch
            {
                InstructionPath.Portable => 0,
                InstructionPath.Avx2 => FourBitDequantizationAvx2.Singles(codes, length, table, (float*)destination),
                _ => FourBitDequantizationAvx512.Singles(codes, length, table, (float*)destination),
            };
            for (; done < length; done++)
                ((float*)destination)[done] = table[Code(codes, done)];
            return;
        }

        var words = stackalloc ushort[16];
        FillTable(book, absmax, type, words);
        done = path switch
        {
            InstructionPath.Portable => 0,
            InstructionPath.Avx2 => FourBitDequantizationAvx2.Words(codes, length, words, (ushort*)destination),
            _ => FourBitDequantizationAvx512.Words(codes, length, words, (ushort*)destination),
        };
        for (; done < length; done++)
            ((ushort*)destination)[done] = words[Code(codes, done)];
    }

    /// <summary>The reference: one element after the other, by the definition.</summary>
    public static void BlockReference(byte* codes, int length, float absmax, CodeBook book, DType type, void* destination)
    {
        for (var i = 0; i < length; i++)
        {
            var value = book.Values[Code(codes, i)] * absmax;
            if (type == DType.F32)
                ((float*)destination)[i] = value;
            else
                ((ushort*)destination)[i] = Narrowing.FromSingle(value, type);
        }
    }

    private static int Code(byte* codes, int element) => (element & 1) == 0 ? codes[element >> 1] >> 4 : codes[element >> 1] & 15;

    private static void FillTable(CodeBook book, float absmax, float* table) =>
        (Vector512.Create<float>(book.Values) * absmax).Store(table);

    private static void FillTable(CodeBook book, float absmax, DType type, ushort* table)
    {
        var products = Vector512.Create<float>(book.Values) * absmax;
        if (type == DType.Bf16)
        {
            // To nearest even; no NaN comes here, for absmax is finite.
            var bits = products.AsUInt32();
            var rounded = (bits + Vector512.Create(0x7fffu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
            Vector256.Narrow(rounded.GetLower(), rounded.GetUpper()).Store(table);
            return;
        }

        for (var code = 0; code < 16; code++)
            table[code] = Narrowing.FromSingle(products[code], type);
    }
}
