using System.Text.Json;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>Runs <c>prepare</c> in this process, as the program would.</summary>
internal sealed class PrepareProgram : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Output => _folder.At("out");

    public string Write(string name, string content)
    {
        File.WriteAllText(_folder.At(name), content);
        return _folder.At(name);
    }

    /// <summary>Prepares the data section of a job.</summary>
    public async Task<PrepareResult> RunAsync(string model, object data, params string[] options)
    {
        var job = Write("job.json", JsonSerializer.Serialize(new { model, data, output = Output }));
        var run = await CommandRun.RunAsync(["prepare", job, .. options]);
        return new PrepareResult(run.Code, run.Results, run.Messages);
    }

    public void Dispose() => _folder.Dispose();
}

/// <summary>What it said.</summary>
internal sealed record PrepareResult(int Code, string Results, string Messages)
{
    /// <summary>The samples of <c>--json</c>.</summary>
    public IReadOnlyList<(string Text, int[] InputIds, int[] Labels)> Samples => [.. Results.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select((line, index) =>
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        Assert.Equal(index, root.GetProperty("index").GetInt32());
        return (root.GetProperty("text").GetString()!, Ids(root, "input_ids"), Ids(root, "labels"));
    })];

    public static int[] Ids(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
