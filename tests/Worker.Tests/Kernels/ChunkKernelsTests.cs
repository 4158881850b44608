using System.Text;
using Orchestrator.Worker.Kernels;

namespace Orchestrator.Worker.Tests.Kernels;

public sealed class ChunkKernelsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(100)]
    [InlineData(65536)]
    public void SumOfSquares_AnyLength_EqualsThePlainLaneOrder(int length)
    {
        var chunk = Values(length, 1);
        var lanes = new double[32];
        for (var i = 0; i < length; i++)
            lanes[i % 32] += (double)chunk[i] * chunk[i];
        var expected = 0.0;
        foreach (var lane in lanes)
            expected += lane;
        Assert.Equal(expected, ChunkKernels.SumOfSquares(chunk));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void SumOfSquares_NotFiniteAnywhere_IsNotFinite(float bad)
    {
        for (var at = 0; at < 70; at++)
        {
            var chunk = Values(70, 2);
            chunk[at] = bad;
            Assert.False(double.IsFinite(ChunkKernels.SumOfSquares(chunk)));
        }

        Assert.True(double.IsFinite(ChunkKernels.SumOfSquares(Enumerable.Repeat(float.MaxValue, 65536).ToArray())));
    }

    [Fact]
    public void Add_AnyLength_IsOneAdditionAnElement()
    {
        for (var length = 0; length < 70; length++)
        {
            float[] a = Values(length, 3), b = Values(length, 4);
            var expected = a.Zip(b, (x, y) => x + y).ToArray();
            ChunkKernels.Add(a, b);
            Assert.Equal(expected, a);
        }
    }

    // RFC 3720, B.4, and the check value of the catalogue of CRC algorithms.
    [Fact]
    public void Crc_KnownAnswers_Agree()
    {
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xff, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
    }

    [Fact]
    public void Crc_AnyLengthInPieces_EqualsTheReference()
    {
        var data = new byte[300];
        new Random(6).NextBytes(data);
        for (var length = 0; length < data.Length; length++)
        {
            var part = data.AsSpan(0, length);
            var cut = length / 3;
            Assert.Equal(Crc32C.Reference(part), Crc32C.Compute(part));
            Assert.Equal(Crc32C.Reference(part), Crc32C.Compute(part[cut..], Crc32C.Compute(part[..cut])));
        }
    }

    private static float[] Values(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-10, 10))))];
    }
}
