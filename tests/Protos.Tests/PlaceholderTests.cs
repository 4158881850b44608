namespace Orchestrator.Protos.Tests;

public sealed class PlaceholderTests
{
    [Fact]
    public void Suite_Runs() => Assert.NotNull(typeof(PlaceholderTests).Assembly.FullName);
}
