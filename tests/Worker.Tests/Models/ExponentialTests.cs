using System.Runtime.Intrinsics;
using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Tests.Models;

public sealed class ExponentialTests
{
    [Fact]
    public void Of_NumbersOfAllSizes_IsWithinTwoUnitsOfTheLastPlace()
    {
        for (var x = -87.3f; x < 88.3f; x += 0.00137f)
        {
            var expected = Math.Exp(x);
            Assert.InRange(Of(x) / expected, 1 - 2.5e-7, 1 + 2.5e-7);
        }
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(-87.4f, 0f)]
    [InlineData(float.MinValue, 0f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(88.8f, float.PositiveInfinity)]
    [InlineData(float.MaxValue, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Of_TheEnds_IsWhatACallerCanGoOnWith(float x, float expected) => Assert.Equal(expected, Of(x));

    private static float Of(float x) => Exponential.Of(Vector512.Create(x))[3];
}
