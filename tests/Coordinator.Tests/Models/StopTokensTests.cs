using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tests.Models;

public sealed class StopTokensTests
{
    [Theory]
    [InlineData("""{"eos_token_id": 2}""", """{"eos_token_id": [3, 2]}""", new[] { 2, 3 })]
    [InlineData("""{"eos_token_id": [128001, 128009]}""", """{"eos_token_id": 128001}""", new[] { 128001, 128009 })]
    [InlineData("""{"eos_token_id": null}""", """{}""", new int[0])]
    [InlineData(null, """{"eos_token_id": 7}""", new[] { 7 })]
    [InlineData("""{"eos_token_id": 7}""", null, new[] { 7 })]
    public void Read_BothFiles_GivesEachTokenOnce(string? generationConfig, string? config, int[] expected)
    {
        using var folder = Folder(generationConfig, config);
        Assert.Equal(expected, StopTokens.Read(folder.Path));
    }

    [Theory]
    [InlineData("""{"eos_token_id": "</s>"}""")]
    [InlineData("""{"eos_token_id": [2, null]}""")]
    [InlineData("""{"eos_token_id": -1}""")]
    [InlineData("""{"eos_token_id": 2.5}""")]
    [InlineData("""{"eos_token_id": """)]
    public void Read_SomethingElse_SaysWhere(string generationConfig)
    {
        using var folder = Folder(generationConfig, "{}");
        Assert.Contains("generation_config.json", Assert.Throws<InvalidInputException>(() => StopTokens.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static TemporaryFolder Folder(string? generationConfig, string? config)
    {
        var folder = new TemporaryFolder();
        if (generationConfig is not null)
        {
            File.WriteAllText(Path.Combine(folder.Path, "generation_config.json"), generationConfig);
        }

        if (config is not null)
        {
            File.WriteAllText(Path.Combine(folder.Path, "config.json"), config);
        }

        return folder;
    }
}
