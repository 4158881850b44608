using System.Buffers;
using System.Text;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class Crc32CTests
{
    // RFC 3720, B.4, and the check value of the catalogue of CRC algorithms.
    [Fact]
    public void Of_KnownAnswers_Agree()
    {
        Assert.Equal(0xE3069283u, Crc32C.Of(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of(Enumerable.Repeat((byte)0xff, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
    }

    [Fact]
    public void Of_AnyLength_EqualsTheBitwiseDefinition()
    {
        var data = new byte[300];
        new Random(6).NextBytes(data);
        for (var length = 0; length < data.Length; length++)
        {
            var expected = ~0u;
            foreach (var value in data.AsSpan(0, length))
            {
                expected ^= value;
                for (var bit = 0; bit < 8; bit++)
                    expected = (expected >> 1) ^ ((expected & 1) * 0x82F63B78);
            }

            Assert.Equal(~expected, Crc32C.Of(data.AsSpan(0, length)));
            Assert.Equal(~expected, Crc32C.Of(new ReadOnlySequence<byte>(data, 0, length)));
        }
    }
}
