using System.Text.Json;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>What a preparation found out about its rows beside the samples themselves; kept with the shards, so that it is known without reading the rows again.</summary>
/// <remarks>Names no path: the same content elsewhere has the same report.</remarks>
internal sealed record PreparationReport
{
    public required SplitCounts Counts { get; init; }

    /// <summary>By the index of the file.</summary>
    public required IReadOnlyList<FileFacts> Files { get; init; }

    public required IReadOnlyList<RemarkGroup> Remarks { get; init; }

    public required SampleStatistics Statistics { get; init; }

    /// <summary>The report of an earlier preparation; null when there is none or it is damaged.</summary>
    public static PreparationReport? Find(string folder, string key)
    {
        try
        {
            return JsonSerializer.Deserialize<PreparationReport>(File.ReadAllBytes(PathOf(folder, key)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public void Store(string folder, string key) => AtomicFile.Write(PathOf(folder, key), stream => JsonSerializer.Serialize(stream, this));

    private static string PathOf(string folder, string key) => Path.Combine(folder, $"{key}.report.json");
}
