using Orchestrator.Worker.Generation;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Generation;

public sealed class StepAttentionTests
{
    private const int Rows = 5;

    [Theory]
    [InlineData(4, 2, 16, 0)]
    [InlineData(6, 1, 24, 0)]
    [InlineData(4, 4, 32, 0)]
    [InlineData(4, 2, 16, 7)]
    public void Run_SequencesOfManyLengths_EqualsTheDevicesOwnOperations(int queryHeads, int keyHeads, int headDim, int window)
    {
        torch.manual_seed(3);
        using var scope = torch.NewDisposeScope();
        var heads = ProjectedHeads.Of(queryHeads, keyHeads, headDim);
        var attention = new CausalAttention(heads, window, 512, TorchOperations.Instance);
        using var one = new Caches();
        using var other = new Caches();
        // Row 2 is idle; the others begin with prompts of their own, one of them beyond the first block of room.
        int[] prompts = [1, 300, 0, 9, 255];
        for (var row = 0; row < Rows; row++)
        {
            if (prompts[row] == 0)
                continue;
            var prompt = Random(heads, prompts[row]);
            one.Add(row, prompt);
            other.Add(row, prompt);
        }

        for (var step = 0; step < 4; step++)
        {
            var newest = Random(heads, Rows);
            var expected = CachedForward.RowByRow(newest, one.All, 0, attention);
            var actual = StepAttention.Run(newest, other.All, 0, attention);
            Assert.True(expected.sub(actual).abs().max().item<float>() < 1e-5f);
            Assert.Equal(0f, actual[2].abs().max().item<float>());
            one.Advance();
            other.Advance();
        }

        for (var row = 0; row < Rows; row++)
        {
            if (prompts[row] > 0)
                Assert.True(one.KeysOf(row).Equals(other.KeysOf(row)));
        }
    }

    private static AttentionHeads Random(ProjectedHeads heads, int tokens) => new(
        torch.randn(heads.Queries.Groups, tokens, heads.Queries.GroupSize * heads.Queries.HeadDim),
        torch.randn(heads.Keys.Groups, tokens, heads.Keys.HeadDim),
        torch.randn(heads.Values.Groups, tokens, heads.Values.HeadDim));

    /// <summary>A cache of one layer for each row that is not idle.</summary>
    private sealed class Caches : IDisposable
    {
        public KeyValueCache?[] All { get; } = new KeyValueCache?[Rows];

        public void Add(int row, AttentionHeads prompt)
        {
            var cache = All[row] = new KeyValueCache(1);
            cache.Add(0, prompt);
            cache.Advance((int)prompt.Keys.shape[1]);
        }

        public void Advance() => Array.ForEach(All, cache => cache?.Advance(1));

        public torch.Tensor KeysOf(int row)
        {
            var cache = All[row]!;
            return cache.Room(0, default, 0).Keys.narrow(1, 0, cache.Length);
        }

        public void Dispose() => Array.ForEach(All, cache => cache?.Dispose());
    }
}
