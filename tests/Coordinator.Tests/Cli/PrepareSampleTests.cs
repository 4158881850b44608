using System.Text.Json;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>The sample's labels against those of the reference: a template without generation marks.</summary>
public sealed class PrepareSampleTests : IDisposable
{
    private readonly PrepareProgram _program = new();

    public void Dispose() => _program.Dispose();

    [Theory]
    [InlineData("orders.jsonl", "orders-tokens.jsonl.gz", 2000, 131_346)]
    [InlineData("orders-eval.jsonl", "orders-eval-tokens.jsonl.gz", 200, 13_156)]
    public async Task Prepare_Sample_GivesTheReferencesIdsAndLabels(string texts, string tokens, int rows, int labelTokens)
    {
        var samples = Path.Combine(Fixtures.Repository, "coordinator", "samples");
        var result = await _program.RunAsync(Path.Combine(samples, "tiny-llama"), new { train = Path.Combine(samples, texts) }, "--json");
        Assert.True(result.Code == 0, result.Messages);
        Assert.DoesNotContain("warning", result.Messages, StringComparison.Ordinal);
        var lines = Fixtures.Unpacked("samples", tokens).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines.Length, result.Samples.Count);
        foreach (var (sample, line) in result.Samples.Zip(lines))
        {
            using var expected = JsonDocument.Parse(line);
            Assert.Equal(PrepareResult.Ids(expected.RootElement, "input_ids"), sample.InputIds);
            Assert.Equal(PrepareResult.Ids(expected.RootElement, "labels"), sample.Labels);
        }

        Assert.Equal((rows, labelTokens), (result.Samples.Count, result.Samples.Sum(sample => sample.Labels.Count(label => label >= 0))));
    }
}
