using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

public sealed class VectorProductTests
{
    // Several blocks of rows and of steps, the last ones short, and a last panel of half the width.
    private const int Rows = 520 + 64;
    private const int Steps = 2048 + 300;
    private const int Columns = 48;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Transposed_IsOneChainOfFusedMultiplyAddsForEachElement(bool biased)
    {
        using var scope = torch.NewDisposeScope();
        var (left, weight, bias) = (Values(1, Rows, Steps), Values(2, Columns, Steps), Values(3, Columns));
        var product = VectorProduct.Transposed(Tensor(left, Rows, Steps), Tensor(weight, Columns, Steps), biased ? Tensor(bias, Columns) : null);
        AssertChains(product, (row, column) => biased ? bias[column] : 0, (row, step) => left[(row * Steps) + step], (step, column) => weight[(column * Steps) + step]);
    }

    [Fact]
    public void Straight_IsOneChainOfFusedMultiplyAddsForEachElement()
    {
        using var scope = torch.NewDisposeScope();
        var (left, weight) = (Values(1, Rows, Steps), Values(2, Steps, Columns));
        var product = VectorProduct.Straight(Tensor(left, Rows, Steps), Tensor(weight, Steps, Columns));
        AssertChains(product, (_, _) => 0, (row, step) => left[(row * Steps) + step], (step, column) => weight[(step * Columns) + column]);
    }

    private static void AssertChains(torch.Tensor product, Func<int, int, float> begin, Func<int, int, float> left, Func<int, int, float> right)
    {
        Assert.Equal([Rows, Columns], product.shape);
        var seen = product.data<float>().ToArray();
        for (var row = 0; row < Rows; row += 13)
        {
            for (var column = 0; column < Columns; column++)
            {
                var sum = begin(row, column);
                for (var step = 0; step < Steps; step++)
                {
                    sum = MathF.FusedMultiplyAdd(left(row, step), right(step, column), sum);
                }

                Assert.Equal(sum, seen[(row * Columns) + column]);
            }
        }
    }

    private static torch.Tensor Tensor(float[] values, params long[] shape) => torch.tensor(values, shape);

    private static float[] Values(int seed, int rows, int columns = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * columns).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
