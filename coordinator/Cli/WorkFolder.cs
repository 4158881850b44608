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

    /// <summary>Less than a journal takes in its first steps: a run would fail in ways that say nothing.</summary>
    private const long LeastFreeBytes = 512 * 1024;

    private readonly string _path;
    private readonly IReadOnlyList<string> _made;
    private readonly FileStream _lock;

    private WorkFolder(string path, IReadOnlyList<string> made, FileStream @lock)
    {
        _path = path;
        _made = made;
        _lock = @lock;
        Folders = new JobFolders(Sub("data"), Sub("jobs"), Sub("stages"));
    }

    public JobFolders Folders { get; }

    public string Journal => Path.Combine(_path, "journal.db");

    /// <summary>Takes the work folder of a run's output.</summary>
    /// <exception cref="InvalidInputException">The folder cannot be written, or another process uses it.</exception>
    /// <exception cref="CommandFailedException">Its disk is full.</exception>
    public static WorkFolder Under(string output)
    {
        List<string> made = [.. Missing(output)];
        var path = Path.Combine(output, Name);
        try
        {
            Directory.CreateDirectory(output);
            RefuseFullDisk(output);
            return new WorkFolder(path, made, TakeLock(output, path));
        }
        catch (Exception failure)
        {
            RemoveEmpty(made);
            if (failure is not (IOException or UnauthorizedAccessException)) throw;
            throw new InvalidInputException($"The output folder {output} cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>A work folder for a command that leaves nothing.</summary>
    public static WorkFolder Temporary()
    {
        var path = Directory.CreateTempSubdirectory("orchestrator-").FullName;
        return new WorkFolder(path, [], File.Create(Path.Combine(path, "lock")));
    }

    public void Dispose()
    {
        _lock.Dispose();
        try
        {
            Directory.Delete(_path, recursive: true);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // The next run removes it.
        }

        // A refused request leaves the disk as it was.
        RemoveEmpty(_made);
    }

    /// <summary>The folder and those above it that do not exist, the deepest first.</summary>
    private static IEnumerable<string> Missing(string folder)
    {
        for (var missing = folder; missing is not null && !Directory.Exists(missing); missing = Path.GetDirectoryName(missing)) yield return missing;
    }

    private static void RemoveEmpty(IEnumerable<string> folders)
    {
        try
        {
            foreach (var folder in folders.Where(Directory.Exists))
            {
                if (Directory.EnumerateFileSystemEntries(folder).Any()) return;
                Directory.Delete(folder);
            }
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // An empty folder is in nobody's way.
        }
    }

    private static void RefuseFullDisk(string output)
    {
        var free = new DriveInfo(output).AvailableFreeSpace;
        if (free < LeastFreeBytes)
        {
            throw new CommandFailedException(
                $"The output folder {output} cannot be written (its disk is full: {free / 1024} KiB are free); make room or choose another output, then start the job again.");
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
