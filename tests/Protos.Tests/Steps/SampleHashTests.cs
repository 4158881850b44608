using Orchestrator.Protos.Steps;

namespace Orchestrator.Protos.Tests.Steps;

public sealed class SampleHashTests
{
    /// <summary>Computed by a program of its own from FNV-1a's two constants: reports of different versions must agree.</summary>
    [Theory]
    [InlineData(1UL, 0U, new uint[] { }, 6855654258860239844UL)]
    [InlineData(7UL, 3U, new uint[] { 1, 2, 300_000 }, 14147069884387460499UL)]
    [InlineData(1UL << 40, 1U << 31, new uint[] { 0 }, 12598911216623703002UL)]
    public void Of_KnownNumbers_IsFnv1aOverTheirBytes(ulong step, uint microBatch, uint[] samples, ulong hash) => Assert.Equal(hash, SampleHash.Of(step, microBatch, samples));

    [Fact]
    public void Of_AnythingElse_Differs()
    {
        ulong[] hashes = [SampleHash.Of(1, 0, [1, 2]), SampleHash.Of(1, 0, [2, 1]), SampleHash.Of(1, 0, [1]), SampleHash.Of(1, 0, [1, 2, 0]), SampleHash.Of(1, 1, [1, 2]), SampleHash.Of(2, 0, [1, 2])];
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }
}
