using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class MemorySizeTests
{
    [Theory]
    [InlineData("1500000", 1_500_000UL)]
    [InlineData("7B", 7UL)]
    [InlineData("3kB", 3_000UL)]
    [InlineData("3KB", 3_000UL)]
    [InlineData("2MB", 2_000_000UL)]
    [InlineData("80GB", 80_000_000_000UL)]
    [InlineData("1TB", 1_000_000_000_000UL)]
    [InlineData("1KiB", 1UL << 10)]
    [InlineData("2MiB", 2UL << 20)]
    [InlineData("64GiB", 64UL << 30)]
    [InlineData("1TiB", 1UL << 40)]
    [InlineData("1.5 GiB", 3UL << 29)]
    public void Parse_ASize_IsItsBytes(string text, ulong bytes) => Assert.Equal(bytes, MemorySize.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("GB")]
    [InlineData("0")]
    [InlineData("-1GB")]
    [InlineData("1e3")]
    [InlineData("1,5GB")]
    [InlineData("12 apples")]
    [InlineData("10gb")]
    [InlineData("NaN")]
    [InlineData("2000000TB")]
    public void Parse_NoSize_IsNull(string text) => Assert.Null(MemorySize.Parse(text));
}
