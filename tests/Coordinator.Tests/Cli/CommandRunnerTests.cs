using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>What a command's work throws becomes one sentence.</summary>
public sealed class CommandRunnerTests
{
    [Theory]
    [InlineData("No space left on device : '/data/x'", 28)]
    [InlineData("Disk quota exceeded : '/data/x'", 122)]
    public async Task Run_WhereThereIsNoRoom_SaysSo(string message, int number) =>
        Assert.Equal("error: The disk is full, so what the command writes is not complete; make room, then start it again.", await ErrorAsync(new IOException(message, number)));

    [Fact]
    public async Task Run_AnErrorOfTheProgram_IsItsFirstLineAsASentenceAndTheWholeInTheLog()
    {
        var sentence = await ErrorAsync(new InvalidOperationException("\n  The first line \n   at the second one"));

        const string Expected = "error: An unexpected fault ended the command: The first line. The log is ";
        Assert.StartsWith(Expected, sentence, StringComparison.Ordinal);
        var log = sentence[Expected.Length..].TrimEnd('.');
        Assert.Contains("at the second one", await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        File.Delete(log);
    }

    /// <summary>A cancellation that nobody asked for, such as a call's deadline that no one caught.</summary>
    [Fact]
    public async Task Run_CancelledThoughNobodyInterrupted_IsAnErrorOfTheProgram() =>
        Assert.StartsWith("error: An unexpected fault ended the command: The call was cancelled.", await ErrorAsync(new OperationCanceledException("The call was cancelled.")), StringComparison.Ordinal);

    private static async Task<string> ErrorAsync(Exception thrown)
    {
        await using var messages = new StringWriter();
        var code = await new CommandRunner(new CommandOutput(TextWriter.Null, messages, IsTerminal: false)).RunAsync((_, _, _) => throw thrown);
        Assert.Equal(ExitCodes.Failed, code);
        return Assert.Single(messages.ToString().TrimEnd().Split('\n'), line => line.StartsWith("error: ", StringComparison.Ordinal));
    }
}
