using Orchestrator.Protos;
using Orchestrator.Worker.Generation;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Generation;

public sealed class TokenSamplerTests
{
    private const int Draws = 50_000;

    private static readonly float[] Logits = [0.3f, 2.1f, -1f, 2.1f, 1.4f, float.NegativeInfinity, 0.9f, -3f];

    [Theory]
    [InlineData(1.0, 1.0)]
    [InlineData(0.7, 1.0)]
    [InlineData(1.0, 0.9)]
    [InlineData(1.8, 0.5)]
    [InlineData(1.0, 0.001)]
    public void Choose_OverManyPlaces_HasTheExactProbabilities(double temperature, double topP)
    {
        var expected = Probabilities(temperature, topP);
        var sampler = new TokenSampler(new Sampling { Temperature = temperature, TopP = topP, Seed = 1234, Stream = 5 });
        var counts = new int[Logits.Length];
        for (uint place = 0; place < Draws; place++)
            counts[sampler.Choose(Logits, place)]++;
        for (var id = 0; id < counts.Length; id++)
        {
            if (expected[id] == 0)
                Assert.Equal(0, counts[id]);
            else
                // Five standard deviations of a binomial count.
                Assert.InRange(counts[id] - (expected[id] * Draws), -5 * Spread(expected[id]), 5 * Spread(expected[id]));
        }
    }

    /// <summary>Four alike, of which two hold half: the run ends with the token that reaches top_p, not with the one after it.</summary>
    [Fact]
    public void Choose_WhereTopPIsReachedExactly_TakesNoTokenMore()
    {
        var sampler = new TokenSampler(new Sampling { Temperature = 1, TopP = 0.5, Seed = 7 });
        Assert.Equal([0, 1], Enumerable.Range(0, 200).Select(place => sampler.Choose([1, 1, 1, 1], (uint)place)).Distinct().Order());
    }

    [Fact]
    public void Choose_SameSeedStreamAndPlace_IsTheSameAndAnyOtherDiffers()
    {
        int[] Tokens(ulong seed, uint stream) => [.. Enumerable.Range(0, 64).Select(place => new TokenSampler(new Sampling { Temperature = 1, TopP = 1, Seed = seed, Stream = stream }).Choose(Logits, (uint)place))];
        Assert.Equal(Tokens(1, 0), Tokens(1, 0));
        Assert.NotEqual(Tokens(1, 0), Tokens(2, 0));
        Assert.NotEqual(Tokens(1, 0), Tokens(1UL << 32 | 1, 0));
        Assert.NotEqual(Tokens(1, 0), Tokens(1, 1));
    }

    [Fact]
    public void Choose_Greedy_TakesTheFirstOfTheLargest()
    {
        Assert.Equal(1, new TokenSampler(null).Choose(Logits, 0));
        Assert.Equal(2, new TokenSampler(null).Choose([float.NaN, 1, 2, float.NaN, 2], 0));
    }

    [Fact]
    public void Choose_ColdSampling_IsGreedy()
    {
        var cold = new TokenSampler(new Sampling { Temperature = 1e-6, TopP = 1, Seed = 3 });
        Assert.All(Enumerable.Range(0, 100), place => Assert.Contains(cold.Choose(Logits, (uint)place), new[] { 1, 3 }));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.PositiveInfinity)]
    public void Choose_NothingFinite_SaysSo(float logit) =>
        Assert.Contains("not finite", Assert.Throws<WorkerFaultException>(() => new TokenSampler(null).Choose([logit, logit], 0)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 1.1)]
    public void New_ImpossibleSettings_AreRefused(double temperature, double topP) =>
        Assert.Throws<WorkerFaultException>(() => new TokenSampler(new Sampling { Temperature = temperature, TopP = topP }));

    private static double Spread(double probability) => Math.Sqrt(Draws * probability * (1 - probability));

    // The definition, word for word: sort, add up until topP is reached, renormalise.
    private static double[] Probabilities(double temperature, double topP)
    {
        var weights = Logits.Select(logit => Math.Exp(logit / temperature)).ToArray();
        var order = Enumerable.Range(0, weights.Length).OrderByDescending(id => weights[id]).ToArray();
        var kept = new double[weights.Length];
        foreach (var id in order)
        {
            if (kept.Sum() < topP * weights.Sum())
                kept[id] = weights[id];
        }

        return [.. kept.Select(weight => weight / kept.Sum())];
    }
}
