using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;

namespace Orchestrator.Worker.Tests.Kernels;

public sealed unsafe class DropoutMaskTests
{
    private static readonly RandomStream Stream = new(42, RandomPurpose.Dropout, 3, 1, 9);

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.0)]
    public void Fill_Long_KeepsTheRightShareWithTheRightFactor(double probability)
    {
        var mask = Floats(0, 200_003, probability);
        var kept = mask.Count(m => m != 0);
        Assert.InRange(kept / 200_003.0, 1 - probability - 0.005, 1 - probability + 0.005);
        Assert.All(mask.Distinct(), m => Assert.True(m == 0 || m == (float)(1 / (1 - probability))));
    }

    [Fact]
    public void Fill_APart_IsTheSameAsWithinTheWhole()
    {
        var whole = Floats(0, 70_000, 0.1);
        Assert.Equal(whole[12345..34567], Floats(12345, 34567 - 12345, 0.1));
    }

    [Theory]
    [InlineData(DType.Bf16)]
    [InlineData(DType.F16)]
    public void Fill_SixteenBits_KeepsTheSameElements(DType type)
    {
        var floats = Floats(5, 9_001, 0.1);
        var words = new ushort[9_001];
        fixed (ushort* p = words)
            DropoutMask.Fill(Stream, 5, words.Length, 0.1, type, p);
        var factor = Narrowing.FromSingle((float)(1 / 0.9), type);
        for (var i = 0; i < words.Length; i++)
            Assert.Equal(floats[i] == 0 ? (ushort)0 : factor, words[i]);
    }

    private static float[] Floats(ulong first, int count, double probability)
    {
        var mask = new float[count];
        fixed (float* p = mask)
            DropoutMask.Fill(Stream, first, count, probability, DType.F32, p);
        return mask;
    }
}
