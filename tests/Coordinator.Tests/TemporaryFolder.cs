namespace Orchestrator.Coordinator.Tests;

/// <summary>An empty folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orchestrator-test-").FullName;

    public string At(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>Copies the files of a folder (not its subfolders) to a folder below this one and gives its path.</summary>
    public string CopyOf(string folder, string name = "copy")
    {
        string target = Directory.CreateDirectory(At(name)).FullName;
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetFileName(file)));
        }

        return target;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
