using System.IO.Compression;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>The golden datasets, unpacked once for the process: data files, what TRL made of them, malformed files, and the folders of two tokenizers.</summary>
internal static class GoldenDatasets
{
    private static readonly Lazy<TemporaryFolder> Unpacked = new(Unpack);

    public static string At(params string[] parts) => Path.Combine([Unpacked.Value.Path, .. parts]);

    /// <summary>A model folder without weights and config.json.</summary>
    public static string Model(string name) => At("models", name);

    private static TemporaryFolder Unpack()
    {
        var folder = new TemporaryFolder();
        ZipFile.ExtractToDirectory(Fixtures.At("datasets", "golden.zip"), folder.Path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder;
    }
}
