using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Quantization;

public sealed unsafe class QuantizedMatrixTests
{
    [Theory]
    [InlineData(QuantizationType.Nf4, 64u, false, 1, 1)]
    [InlineData(QuantizationType.Nf4, 64u, true, 37, 91)]
    [InlineData(QuantizationType.Fp4, 32u, true, 300, 257)]
    [InlineData(QuantizationType.Nf4, 4096u, false, 1000, 700)]
    [InlineData(QuantizationType.Nf4, 64u, true, 5000, 3500)]
    public void Dequantize_OnTheDeviceByTensorOperations_GivesTheHostsBits(QuantizationType type, uint block, bool nested, int rows, int columns)
    {
        var values = Values(rows * columns);
        var spec = new QuantizationSpec { Type = type, BlockSize = block, DoubleQuant = nested };
        using var host = QuantizedWeight.Create(Quantize(values, rows, columns, spec), torch.CPU);
        using var device = new DeviceQuantizedWeight(Quantize(values, rows, columns, spec), torch.CPU);
        Assert.Equal(host.ResidentBytes, device.ResidentBytes);
        foreach (var dtype in (torch.ScalarType[])[torch.float32, torch.bfloat16, torch.float16])
        {
            using var a = torch.empty(rows, columns, dtype);
            using var b = torch.empty(rows, columns, dtype);
            host.DequantizeInto(a);
            device.DequantizeInto(b);
            Assert.True(TensorMemory.Bytes(a).SequenceEqual(TensorMemory.Bytes(b)));
        }
    }

    [Fact]
    public void Dequantize_ByAllThreads_GivesTheBitsOfOneBlockAfterTheOther()
    {
        const int rows = 1111, columns = 999;
        using var matrix = Quantize(Values(rows * columns), rows, columns, new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 64, DoubleQuant = true });
        float[] expected = new float[rows * columns], actual = new float[rows * columns];
        fixed (float* e = expected, a = actual)
        {
            for (long block = 0; block < matrix.Scales.Count; block++)
            {
                var length = (int)Math.Min(64, expected.Length - (block * 64));
                FourBitDequantization.BlockReference(matrix.Codes + (block * 32), length, matrix.Scales[block], matrix.Book, DType.F32, e + (block * 64));
            }

            matrix.Dequantize(a, DType.F32);
        }

        Assert.Equal(expected, actual);
    }

    /// <summary>
    /// 2^30 + 64 lies half-way between two fp32 numbers: what the 510 small values add up to decides, and each of them alone is lost beside it. So the mean of absmax tells in which order it was summed.
    /// </summary>
    [Fact]
    public void Nest_OffsetOfManyBlocks_IsSummedInFp64LaneByLane()
    {
        const int count = 512;
        using var absmax = new NativeBuffer(count * sizeof(float), cleared: true);
        var values = new Span<float>(absmax.Pointer, count);
        values.Fill(1f / (1 << 24));
        (values[0], values[1]) = (1 << 30, 64);
        using var scales = BlockScales.Nest(absmax);
        Assert.Equal(((1 << 30) + 128) / (float)count, scales.Offset);
    }

    [Fact]
    public void Bytes_OfDoubleQuantization_AreFourPointOneTwoSevenBitsAWeight()
    {
        const int rows = 1024, columns = 1024;
        using var matrix = Quantize(Values(rows * columns), rows, columns, new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 64, DoubleQuant = true });
        Assert.Equal(4.127, matrix.Bytes * 8.0 / (rows * columns), 3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70_000)]
    [InlineData(300 * 301 - 1)]
    public void Quantize_NotFinite_NamesTensorRowAndColumn(int at)
    {
        var values = Values(300 * 301);
        values[at] = float.NaN;
        values[^1] = float.PositiveInfinity;
        var error = Assert.Throws<WorkerFaultException>(() => Quantize(values, 300, 301, new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 64 }));
        Assert.Equal(ErrorCode.BadData, error.Code);
        Assert.Contains($"'w' holds", error.Message, StringComparison.Ordinal);
        Assert.Contains($"row {at / 301}, column {at % 301},", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Quantize_WrongDescription_IsRefused()
    {
        var good = new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 64 };
        Assert.Contains("block_size 48", Message([0, 0, 0, 0], DType.F32, 1, new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 48 }), StringComparison.Ordinal);
        Assert.Contains("has 3 bytes", Message([0, 0, 0], DType.F32, 1, good), StringComparison.Ordinal);
        Assert.Contains("I32", Message([0, 0, 0, 0], DType.I32, 1, good), StringComparison.Ordinal);
    }

    private static string Message(byte[] bytes, DType type, long count, QuantizationSpec spec) =>
        Assert.Throws<WorkerFaultException>(() => QuantizedMatrix.Quantize(bytes, type, [count], spec, "w")).Message;

    private static QuantizedMatrix Quantize(float[] values, int rows, int columns, QuantizationSpec spec) =>
        QuantizedMatrix.Quantize(MemoryMarshal.AsBytes<float>(values), DType.F32, [rows, columns], spec, "w");

    private static float[] Values(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5) * 0.04f)];
    }
}
