using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>The storage of an embedded cluster: journal, prepared data, saved states and stages, in one folder of its own.</summary>
/// <remarks>
/// Belongs to one process, by a lock on a file in it, and goes with it; what a killed process left is removed by the next one, for its journal would
/// bring the old job back to life. Prepared data alone stays, wherever <c>prepare</c> or <c>train</c> found it good (<see cref="KeepData"/>): it
/// is known by its content, and the next command takes it up. A refused request leaves none.
/// </remarks>
internal sealed class WorkFolder : IDisposable
{
    private const string Name = ".orchestrator";
    private const string DataName = "data";
    private const string LockName = "lock";

    /// <summary>Less than a journal takes in its first steps: a run would fail in ways that say nothing.</summary>
    private const long LeastFreeBytes = 512 * 1024;

    private readonly string _path;
    private readonly IReadOnlyList<string> _made;
    private readonly FileStream _lock;
    private bool _keepsData;

    private WorkFolder(string path, IReadOnlyList<string> made, FileStream @lock)
    {
        _path = path;
        _made = made;
        _lock = @lock;
        Folders = new JobFolders(Sub(DataName), Sub("stages"));
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
        var hasData = Directory.Exists(Path.Combine(path, DataName));
        try
        {
            Directory.CreateDirectory(output);
            RefuseFullDisk(output);
            // What an earlier command has kept stays, however this one ends.
            return new WorkFolder(path, made, TakeLock(output, path)) { _keepsData = hasData };
        }
        catch (Exception failure)
        {
            RemoveEmpty(made);
            if (failure is not (IOException or UnauthorizedAccessException))
            {
                throw;
            }

            var existing = Ancestors(output).First(Path.Exists);
            throw new InvalidInputException(
                File.Exists(existing)
                    ? $"The output {output} {(existing == output ? "is a file" : $"cannot be a folder, for {existing} is a file")}; give a folder."
                    : $"The output folder {output} cannot be written ({failure.Message.TrimEnd('.')}); make it writable, or give another --out.",
                failure);
        }
    }

    /// <summary>A work folder for a command that leaves nothing.</summary>
    public static WorkFolder Temporary()
    {
        var path = Directory.CreateTempSubdirectory("orchestrator-").FullName;
        return new WorkFolder(path, [], File.Create(Path.Combine(path, LockName)));
    }

    /// <summary>The prepared data stays for the next command on this output.</summary>
    public void KeepData() => _keepsData = true;

    public void Dispose()
    {
        try
        {
            if (_keepsData)
            {
                DeleteAllBut(_path, DataName);
                _lock.Dispose();
                return;
            }

            _lock.Dispose();
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
    private static IEnumerable<string> Missing(string folder) => Ancestors(folder).TakeWhile(missing => !Directory.Exists(missing));

    /// <summary>The path and those above it up to the root.</summary>
    private static IEnumerable<string> Ancestors(string path)
    {
        for (var above = path; above is not null; above = Path.GetDirectoryName(above))
        {
            yield return above;
        }
    }

    private static void RemoveEmpty(IEnumerable<string> folders)
    {
        try
        {
            foreach (var folder in folders.Where(Directory.Exists))
            {
                if (Directory.EnumerateFileSystemEntries(folder).Any())
                {
                    return;
                }

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
            taken = new FileStream(Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(Path.Combine(path, LockName)))
        {
            throw new InvalidInputException($"Another run is writing to {output}; wait for it, or give another --out.");
        }

        DeleteAllBut(path, DataName, LockName);
        return taken;
    }

    private static void DeleteAllBut(string path, params ReadOnlySpan<string> kept)
    {
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            if (kept.Contains(entry.Name))
            {
                continue;
            }

            if (entry is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                entry.Delete();
            }
        }
    }

    private string Sub(string name) => Directory.CreateDirectory(Path.Combine(_path, name)).FullName;
}
