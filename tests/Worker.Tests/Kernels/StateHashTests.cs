using Orchestrator.Worker.Kernels;

namespace Orchestrator.Worker.Tests.Kernels;

public sealed unsafe class StateHashTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1003)]
    public void Append_InPieces_EqualsAtOnce(int count)
    {
        var words = Words(count);
        var expected = Hash(words, words.Length);
        foreach (var cut in (int[])[0, 1, 5, 8, 13, 64, 1000])
            Assert.Equal(expected, Hash(words, Math.Min(cut, count)));
    }

    [Fact]
    public void Append_AnyBitFlippedOrTwoWordsSwapped_Differs()
    {
        var words = Words(100);
        var expected = Hash(words, 100);
        for (var i = 0; i < 100; i++)
        {
            words[i] ^= 1u << (i % 32);
            Assert.NotEqual(expected, Hash(words, 100));
            words[i] ^= 1u << (i % 32);
        }

        (words[3], words[77]) = (words[77], words[3]);
        Assert.NotEqual(expected, Hash(words, 100));
        Assert.NotEqual(Hash(new uint[3], 3), Hash(new uint[4], 4));
    }

    /// <summary>Layers add up in any order, but one's words are not another's.</summary>
    [Fact]
    public void OfLayer_TwoLayersThatSwapTheirWords_AddUpToAnotherSum()
    {
        var (one, other) = (Words(50), Words(60)[10..]);
        Assert.Equal((OfLayer(3, one) + OfLayer(4, other)).Sums, (OfLayer(4, other) + OfLayer(3, one)).Sums);
        Assert.NotEqual((OfLayer(3, one) + OfLayer(4, other)).Sums, (OfLayer(3, other) + OfLayer(4, one)).Sums);
    }

    private static StateHash OfLayer(uint layer, uint[] words)
    {
        var hash = StateHash.OfLayer(layer);
        fixed (uint* p = words)
            hash.Append(p, words.Length);
        return hash;
    }

    private static uint[] Words(int count)
    {
        var words = new uint[count];
        PhiloxFill.Words(new RandomStream(9, RandomPurpose.Dropout, 0, 0, 0), 0, words);
        return words;
    }

    private static byte[] Hash(uint[] words, int cut)
    {
        var hash = new StateHash();
        fixed (uint* p = words)
        {
            hash.Append(p, cut);
            hash.Append(p + cut, words.Length - cut);
        }

        return hash.ToBytes();
    }
}
