using System.IO.Compression;

namespace Orchestrator.Chaos;

/// <summary>Where the repository, its fixtures and the built programs lie.</summary>
internal static class Repository
{
    /// <summary>The folder of Orchestrator.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The coordinator built with this test's configuration, or a published one that ORCHESTRATOR_TEST_PROGRAM names; the worker lies beside it.</summary>
    public static string Coordinator { get; } =
        Environment.GetEnvironmentVariable("ORCHESTRATOR_TEST_PROGRAM") is { Length: > 0 } given ? given : Path.Combine(Root, "coordinator", "bin", Configuration(), "net10.0", "orchestrator");

    /// <summary>The coordinator with fault points in it and its worker, which the Debug configuration builds.</summary>
    public static string CoordinatorWithFaults { get; } = Path.Combine(Root, "coordinator", "bin", "Debug", "net10.0", "orchestrator");

    /// <summary>The worker that the coordinator starts.</summary>
    public static string Worker { get; } = Path.Combine(Path.GetDirectoryName(Coordinator)!, "worker", "orchestrator-worker");

    public static string Fixture(params string[] parts) => Path.Combine([Root, "tests", "fixtures", .. parts]);

    public static string Sample(string name) => Path.Combine(Root, "coordinator", "samples", name);

    /// <summary>The sample's rows as tokens, which the reference made: <c>orders-tokens</c> or <c>orders-eval-tokens</c>.</summary>
    public static IEnumerable<string> SampleTokens(string name)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Fixture("samples", name + ".jsonl.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Orchestrator.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("Orchestrator.sln was not found above the tests");
    }

    private static string Configuration() => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
}
