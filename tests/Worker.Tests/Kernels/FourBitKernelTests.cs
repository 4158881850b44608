using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Kernels;

/// <summary>Every variant that this processor can run gives the reference's bits.</summary>
public sealed unsafe class FourBitKernelTests
{
    public static TheoryData<string, string> Variants()
    {
        var variants = new TheoryData<string, string>();
        foreach (var path in Enum.GetValues<InstructionPath>().Where(path => path <= InstructionPaths.Best()))
        {
            variants.Add(path.Name(), "nf4");
            variants.Add(path.Name(), "fp4");
        }

        return variants;
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void FullBlock_RandomAndAdversarialValues_EqualsTheReference(string pathName, string bookName)
    {
        var (path, book) = (InstructionPaths.Parse(pathName, InstructionPaths.Best()), Book(bookName));
        foreach (var length in (int[])[32, 64, 256, 4096])
        {
            foreach (var values in Blocks(book, length))
            {
                byte[] expected = new byte[length / 2], actual = new byte[length / 2];
                float expectedScale, actualScale;
                fixed (float* x = values)
                fixed (byte* e = expected, a = actual)
                {
                    expectedScale = FourBitQuantization.FullBlockReference(x, length, book, e);
                    actualScale = FourBitQuantization.FullBlock(path, x, length, book, a);
                }

                Assert.Equal(BitConverter.SingleToInt32Bits(expectedScale), BitConverter.SingleToInt32Bits(actualScale));
                Assert.Equal(expected, actual);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void FullBlock_OneValueNotFinite_HasANonFiniteScale(string pathName, string bookName)
    {
        var path = InstructionPaths.Parse(pathName, InstructionPaths.Best());
        var values = new float[64];
        var codes = new byte[32];
        foreach (var bad in (float[])[float.NaN, -float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            for (var at = 0; at < values.Length; at++)
            {
                Array.Fill(values, 1);
                values[at] = bad;
                fixed (float* x = values)
                fixed (byte* c = codes)
                    Assert.False(float.IsFinite(FourBitQuantization.FullBlock(path, x, 64, Book(bookName), c)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Dequantize_AnyLengthScaleAndType_EqualsTheReference(string pathName, string bookName)
    {
        var (path, book) = (InstructionPaths.Parse(pathName, InstructionPaths.Best()), Book(bookName));
        var codes = new byte[64];
        new Random(5).NextBytes(codes);
        var lengths = Enumerable.Range(1, 128).ToArray();
        float[] scales = [1f, 0.0123f, 0f, 1e-38f, 1e-42f, 3e38f, 65504f, 7e4f, 0.33333334f];
        foreach (var type in (DType[])[DType.F32, DType.Bf16, DType.F16])
        {
            foreach (var (length, scale) in lengths.Select((length, i) => (length, scales[i % scales.Length])))
            {
                // The bytes after the last element must stay as they are.
                byte[] expected = new byte[(length + 40) * 4], actual = new byte[(length + 40) * 4];
                fixed (byte* c = codes, e = expected, a = actual)
                {
                    FourBitDequantization.BlockReference(c, length, scale, book, type, e);
                    FourBitDequantization.Block(path, c, length, scale, book, type, a);
                }

                Assert.Equal(expected, actual);
            }
        }
    }

    private static CodeBook Book(string name) => name == "nf4" ? CodeBook.Nf4 : CodeBook.Fp4;

    private static IEnumerable<float[]> Blocks(CodeBook book, int length)
    {
        var random = new Random(length);
        float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        yield return new float[length];
        yield return Fill(length, _ => -0f);
        yield return Fill(length, _ => float.Epsilon);
        yield return Fill(length, _ => float.MaxValue * (random.Next(2) - 0.5f) * 2);
        yield return Fill(length, _ => BitConverter.Int32BitsToSingle(random.Next(0x00800000)));
        yield return Fill(length, i => i == 3 ? 1e30f : Normal() * 1e-30f);
        for (var repeat = 0; repeat < 20; repeat++)
        {
            var scale = MathF.Pow(10, (repeat * 3) - 30);
            yield return Fill(length, _ => Normal() * scale);
        }

        // Thresholds and their neighbours, under scales that keep them or move them by a rounding.
        foreach (var scale in (float[])[1f, 2f, 3f, 0.1f, 1.7e38f, 1e-38f])
        {
            yield return Fill(length, i => i switch
            {
                0 => scale,
                _ => (i % 3) switch
                {
                    0 => book.Thresholds[i % 15],
                    1 => MathF.BitIncrement(book.Thresholds[i % 15]),
                    _ => MathF.BitDecrement(book.Thresholds[i % 15]),
                } * scale,
            });
        }
    }

    private static float[] Fill(int length, Func<int, float> value) => [.. Enumerable.Range(0, length).Select(value)];
}
