using System.Runtime.InteropServices;
using System.Text.Json;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Quantization;

namespace Orchestrator.Worker.Tests.Quantization;

/// <summary>Every 4-bit case that bitsandbytes wrote: codes, scales and values, bit for bit.</summary>
public sealed unsafe class GoldenQuantizationTests
{
    // The library's fp32 mean depends on its vector width; ours is summed in fp64. Here they are an ulp apart.
    private static readonly HashSet<string> OffsetMayDiffer =
    [
        "grid-nf4-b64-f32-double", "grid-fp4-b64-f32-double", "dist-fp4-f32-heavy", "spike-nf4-double", "spike-fp4-double", "mixed-nf4-double",
    ];

    public static IEnumerable<TheoryDataRow<string>> Cases()
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder(), "index.json")));
        return [.. index.RootElement.GetProperty("four_bit").EnumerateArray().Select(c => new TheoryDataRow<string>(c.GetRawText()) { TestDisplayName = c.GetProperty("name").GetString() })];
    }

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Quantize_LibrarysInput_GivesTheLibrarysBits(string text)
    {
        using var document = JsonDocument.Parse(text);
        var facts = document.RootElement;
        var name = facts.GetProperty("name").GetString()!;
        var golden = new GoldenFile(Path.Combine(Folder(), facts.GetProperty("file").GetString()!));
        var spec = new QuantizationSpec
        {
            Type = facts.GetProperty("quant_type").GetString() == "nf4" ? QuantizationType.Nf4 : QuantizationType.Fp4,
            BlockSize = facts.GetProperty("blocksize").GetUInt32(),
            DoubleQuant = facts.GetProperty("double").GetBoolean(),
        };
        long[] shape = [.. facts.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64())];
        using var matrix = QuantizedMatrix.Quantize(golden.Bytes("input"), golden.Type("input"), shape, spec, name);

        Assert.Equal(golden.Bytes("codes"), new ReadOnlySpan<byte>(matrix.Codes, (int)matrix.CodeBytes));
        Assert.Equal(golden.Bytes("quant_map"), MemoryMarshal.AsBytes<float>(matrix.Book.Values));
        if (spec.DoubleQuant)
            CompareNested(golden, matrix, OffsetMayDiffer.Contains(name));
        else
            Assert.Equal(golden.Bytes("absmax"), MemoryMarshal.AsBytes(matrix.Scales.Values));
        if (spec.DoubleQuant && OffsetMayDiffer.Contains(name))
            return;
        foreach (var (suffix, type) in (ReadOnlySpan<(string, DType)>)[("float32", DType.F32), ("bfloat16", DType.Bf16), ("float16", DType.F16)])
        {
            if (golden.Has("dequantized_" + suffix))
                CompareValues(golden.Bytes("dequantized_" + suffix), matrix, type);
        }
    }

    [Fact]
    public void Maps_OfTheLibrary_AreOurs()
    {
        var maps = new GoldenFile(Path.Combine(Folder(), "maps.safetensors"));
        Assert.Equal(maps.Bytes("nf4"), MemoryMarshal.AsBytes<float>(CodeBook.Nf4.Values));
        Assert.Equal(maps.Bytes("fp4"), MemoryMarshal.AsBytes<float>(CodeBook.Fp4.Values));
        Assert.Equal(maps.Bytes("nf4_thresholds_cpu"), MemoryMarshal.AsBytes<float>(CodeBook.Nf4.Thresholds));
        Assert.Equal(maps.Bytes("fp4_thresholds_cpu"), MemoryMarshal.AsBytes<float>(CodeBook.Fp4.Thresholds));
        Assert.Equal(maps.Bytes("fp4_code_between_thresholds_cpu"), CodeBook.Fp4.Order);
        Assert.Equal(maps.Bytes("dynamic_signed"), MemoryMarshal.AsBytes<float>(DynamicMap.Values));
    }

    private static void CompareNested(GoldenFile golden, QuantizedMatrix matrix, bool offsetMayDiffer)
    {
        var offset = golden.Floats("nested_offset")[0];
        var codes = golden.Bytes("absmax");
        if (!offsetMayDiffer)
        {
            Assert.Equal(offset, matrix.Scales.Offset);
            Assert.Equal(codes, matrix.Scales.Codes);
            Assert.Equal(golden.Floats("nested_absmax"), matrix.Scales.NestedValues);
            var after = golden.Floats("absmax_after_nested");
            for (var block = 0; block < after.Length; block++)
                Assert.Equal(after[block], matrix.Scales[block]);
            return;
        }

        Assert.InRange(matrix.Scales.Offset, MathF.BitDecrement(offset), MathF.BitIncrement(offset));
        var differing = 0;
        for (var i = 0; i < codes.Length; i++)
        {
            Assert.InRange(matrix.Scales.Codes[i] - codes[i], -1, 1);
            differing += matrix.Scales.Codes[i] == codes[i] ? 0 : 1;
        }

        Assert.InRange(differing, 0, Math.Max(1, codes.Length * 4 / 65536));
    }

    private static void CompareValues(ReadOnlySpan<byte> expected, QuantizedMatrix matrix, DType type)
    {
        var actual = new byte[matrix.NumElements * Widening.ElementSize(type)];
        fixed (byte* p = actual)
            matrix.Dequantize(p, type);
        // The library's FP4 zero of code 8 has a sign that depends on the matrix's width: -0 is read as +0.
        Assert.Equal(PositiveZeros(expected, type), PositiveZeros(actual, type));
    }

    private static byte[] PositiveZeros(ReadOnlySpan<byte> values, DType type)
    {
        var copy = values.ToArray();
        if (type == DType.F32)
            MemoryMarshal.Cast<byte, uint>(copy.AsSpan()).Replace(0x80000000u, 0u);
        else
            MemoryMarshal.Cast<byte, ushort>(copy.AsSpan()).Replace((ushort)0x8000, (ushort)0);
        return copy;
    }

    private static string Folder()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orchestrator.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests run inside of the repository");
        return Path.Combine(folder, "tests", "fixtures", "quant");
    }

    private sealed class GoldenFile(string path)
    {
        private readonly SafetensorsHeader _header = SafetensorsHeader.Read(path);
        private readonly byte[] _file = File.ReadAllBytes(path);

        public bool Has(string name) => _header.Find(name) is not null;

        public DType Type(string name) => _header.Find(name)!.DType;

        public ReadOnlySpan<byte> Bytes(string name) => _file.AsSpan((int)_header.Find(name)!.Offset, (int)_header.Find(name)!.Length);

        public ReadOnlySpan<float> Floats(string name) => MemoryMarshal.Cast<byte, float>(Bytes(name));
    }
}
