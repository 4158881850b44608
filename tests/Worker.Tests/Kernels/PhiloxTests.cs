using Orchestrator.Worker.Kernels;

namespace Orchestrator.Worker.Tests.Kernels;

public sealed class PhiloxTests
{
    // Random123's kat_vectors, "philox4x32 10".
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_KnownAnswers_Agree(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint r0, uint r1, uint r2, uint r3) =>
        Assert.Equal((r0, r1, r2, r3), Philox.Block(c0, c1, c2, c3, k0, k1));

    [Theory]
    [InlineData(0UL, 1000)]
    [InlineData(1UL, 67)]
    [InlineData(3UL, 1)]
    [InlineData(6UL, 2)]
    [InlineData(130UL, 31)]
    [InlineData(0x3FFFFFFF0UL, 16)]
    public void Words_AnyPart_EqualsTheReference(ulong first, int count)
    {
        var stream = new RandomStream(0xDEADBEEF_12345678, RandomPurpose.Dropout, 812, 5, 33);
        var words = new uint[count];
        PhiloxFill.Words(stream, first, words);
        for (var i = 0; i < count; i++)
            Assert.Equal(Philox.Word(stream, first + (ulong)i), words[i]);
    }

    [Fact]
    public void Words_BeyondTheStream_AreRefused() =>
        Assert.Throws<OverflowException>(() => PhiloxFill.Words(default, 0x3FFFFFFF0UL, new uint[64]));

    [Fact]
    public void Streams_OfAnyOtherField_Differ()
    {
        var stream = new RandomStream(1, RandomPurpose.Dropout, 1, 1, 1);
        RandomStream[] all =
        [
            stream, stream with { Seed = 2 }, stream with { Seed = 1UL << 32 }, stream with { Purpose = RandomPurpose.AdapterInit },
            stream with { Step = 2 }, stream with { MicroBatch = 2 }, stream with { Module = 2 },
        ];
        Assert.Equal(all.Length, all.Select(s => Philox.Word(s, 0)).Distinct().Count());
    }
}
