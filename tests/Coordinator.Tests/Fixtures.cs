using System.IO.Compression;

namespace Orchestrator.Coordinator.Tests;

/// <summary>Where the fixtures lie: tests/fixtures of the repository that these tests were built from.</summary>
internal static class Fixtures
{
    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>A path below tests/fixtures.</summary>
    public static string At(params string[] parts) => Path.Combine([Repository, "tests", "fixtures", .. parts]);

    /// <summary>The text of a gzipped fixture.</summary>
    public static string Unpacked(params string[] parts)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(At(parts)), CompressionMode.Decompress));
        return reader.ReadToEnd();
    }

    private static string FindRepository()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Orchestrator.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("No Orchestrator.sln above the tests.");
    }
}
