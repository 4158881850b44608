using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>The storage of an embedded cluster: journal, prepared data, saved states and stages, in one folder of its own.</summary>
/// <remarks>
/// Belongs to one process, by a lock on a file in it, and goes with it; what a killed process left is removed by the next one, for its journal would
/// bring the old job back to life.
/// </remarks>
internal sealed class WorkFolder : IDisposable
{
    private const string Name = ".orchestrator";
    private readonly string _path;
    private readonly string? _madeParent;
    private readonly FileStream _lock;

    private WorkFolder(string path, string? madeParent, FileStream @lock)
    {
        _path = path;
        _madeParent = madeParent;
        _lock = @lock;
        Folders = new JobFolders(Sub("data"), Sub("jobs"), Sub("stages"));
    }

    public JobFolders Folders { get; }

    public string Journal => Path.Combine(_path, "journal.db");

    /// <summary>Takes the work folder of a run's output.</summary>
    /// <exception cref="InvalidInputException">The folder cannot be written, or another process uses it.</exception>
    public static WorkFolder Under(string output)
    {
        var made = Directory.Exists(output) ? null : output;
        var path = Path.Combine(output, Name);
        try
        {
            Directory.CreateDirectory(output);
            var @lock = TakeLock(output, path);
            return new WorkFolder(path, made, @lock);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The output folder {output} cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>A work folder for a command that leaves nothing.</summary>
    public static WorkFolder Temporary()
    {
        var path = Directory.CreateTempSubdirectory("orchestrator-").FullName;
        return new WorkFolder(path, null, File.Create(Path.Combine(path, "lock")));
    }

    public void Dispose()
    {
        _lock.Dispose();
        try
        {
            Directory.Delete(_path, recursive: true);
            // A refused request leaves the disk as it was.
            if (_madeParent is not null && !Directory.EnumerateFileSystemEntries(_madeParent).Any()) Directory.Delete(_madeParent);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // The next run removes it.
        }
    }

    private static FileStream TakeLock(string output, string path)
    {
        Directory.CreateDirectory(path);
        FileStream taken;
        try
        {
            taken = new FileStream(Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(Path.Combine(path, "lock")))
        {
            throw new InvalidInputException($"Another run is writing to {output}; wait for it, or give another --out.");
        }

        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo folder) folder.Delete(recursive: true);
            else if (entry.Name != "lock") entry.Delete();
        }

        return taken;
    }

    private string Sub(string name) => Directory.CreateDirectory(Path.Combine(_path, name)).FullName;
}
