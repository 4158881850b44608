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
            var (wide, other) = (Array.ConvertAll(a, x => x * 1.000000001), Array.ConvertAll(b, x => (double)x));
            var expectedWide = wide.Zip(other, (x, y) => x + y).ToArray();
            ChunkKernels.Add(wide, other);
            Assert.Equal(expectedWide, wide);
        }
    }

    [Fact]
    public void Narrow_AnyLength_RoundsEachElementOnce()
    {
        for (var length = 0; length < 70; length++)
        {
            var sums = Array.ConvertAll(Values(length, 5), x => x * 1.000000037);
            var result = new float[length];
            ChunkKernels.Narrow(sums, result);
            Assert.Equal(Array.ConvertAll(sums, x => (float)x), result);
        }
    }

    private static float[] Values(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-10, 10))))];
    }
}
