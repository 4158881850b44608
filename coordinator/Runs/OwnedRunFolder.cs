using System.Text;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A run's output folder for the entity that owns the run: everything that a run publishes goes through here.</summary>
/// <remarks>
/// Under the entity's fence: once a later entity of the job has taken the folder over, nothing of this one's appears in it any more, in whatever moment it was (see <see cref="FolderOwnership"/>). Whole files and
/// folders appear by rename; a line is appended whole or not at all. Lines and the plan are written by one thread; checkpoints and the adapter by any. Every I/O error of
/// the entity's own thread is an <see cref="IOException"/> with one sentence that names the folder.
/// </remarks>
internal sealed class OwnedRunFolder : IDisposable
{
    private readonly string _path;
    private readonly FolderOwnership _owner;
    private readonly OwnedCheckpoints _checkpoints;
    private readonly LineFile _events;
    private readonly LineFile _metrics;

    private OwnedRunFolder(string path, FolderOwnership owner, OwnedCheckpoints checkpoints, LineFile events, LineFile metrics) =>
        (_path, _owner, _checkpoints, _events, _metrics) = (path, owner, checkpoints, events, metrics);

    /// <summary>Makes the folder of a new run; an older run's files, which <see cref="RunFolder.Check"/> has allowed to delete, go first, and what somebody else left under their names is put aside.</summary>
    /// <param name="title">Where, and whose.</param>
    /// <param name="resolvedYaml">The job.</param>
    /// <param name="events">The first lines.</param>
    public static OwnedRunFolder Create(RunTitle title, string resolvedYaml, IEnumerable<string> events) => Guard(title.Output, () =>
    {
        var owner = FolderOwnership.Take(title.Output, title.Job, title.Fence);
        // Somebody else's adapter, beside which a run was asked for, stays until this run's takes its place; then it is put aside.
        if (RunFolder.HoldsRun(title.Output))
        {
            DeleteAdapter(title.Output);
            DeleteCheckpoints(title);
            DeleteLines(title.Output);
        }
        else
        {
            PutAside(title.Output);
        }

        return Take(title, owner, LineFile.BytesOf(events), [], resolvedYaml);
    });

    /// <summary>Takes up the folder of a run that goes on from a checkpoint, or from the start: lines and checkpoints after that point go, for they are made again.</summary>
    public static OwnedRunFolder Resume(RunTitle title, string resolvedYaml, ResumePoint resume, IEnumerable<string> events) => Guard(title.Output, () =>
    {
        var owner = FolderOwnership.Take(title.Output, title.Job, title.Fence);
        var folder = Take(
            title,
            owner,
            [.. RecoveredLines.Whole(Read(title.Output, RunFolder.EventsFileName)), .. LineFile.BytesOf(events)],
            RecoveredLines.Metrics(Read(title.Output, RunFolder.MetricsFileName), resume.Checkpoint, []),
            resolvedYaml);
        folder._checkpoints.DeleteAfter(resume.Checkpoint?.Step ?? 0);
        return folder;
    });

    /// <summary>Takes up the folder of a run whose entity was started again: lines that the journal has and the files lack are added.</summary>
    /// <param name="title">Where, and whose.</param>
    /// <param name="events">Event lines of the journal.</param>
    /// <param name="metrics">Metrics lines of the journal.</param>
    /// <param name="resume">Where the run of an earlier journal, whose lines come first, went on; null: there is none.</param>
    public static OwnedRunFolder Continue(RunTitle title, IReadOnlyList<string> events, IReadOnlyList<string> metrics, ResumePoint? resume = null) => Guard(title.Output, () =>
    {
        var owner = FolderOwnership.Take(title.Output, title.Job, title.Fence);
        return Take(
            title,
            owner,
            RecoveredLines.Events(Read(title.Output, RunFolder.EventsFileName), events),
            RecoveredLines.Metrics(Read(title.Output, RunFolder.MetricsFileName), resume?.Checkpoint, metrics),
            resolvedYaml: null);
    });

    public void WritePlan(string json) => Guard(_path, () => WriteText(_owner, Path.Combine(_path, RunFolder.PlanFileName), json));

    public void AppendEvents(IEnumerable<string> lines) => Guard(_path, () => _events.Append(lines));

    public void AppendMetrics(IEnumerable<string> lines) => Guard(_path, () => _metrics.Append(lines));

    /// <summary>Makes a checkpoint of blobs that are durable; the lines up to here are made so first, for whoever goes on from it counts on them.</summary>
    public void WriteCheckpoint(CheckpointManifest manifest)
    {
        _metrics.Sync();
        _checkpoints.Write(manifest);
    }

    /// <inheritdoc cref="OwnedCheckpoints.DeleteSurplus"/>
    public void DeleteOlderCheckpoints(ulong newest, int mostKept) => _checkpoints.DeleteSurplus(newest, mostKept);

    /// <summary>Publishes the adapter.</summary>
    /// <param name="fill">Gets an empty folder to write its files into.</param>
    /// <returns>Where it stands.</returns>
    public string WriteAdapter(Action<string> fill)
    {
        var adapter = Path.Combine(_path, RunFolder.AdapterFolderName);
        if (Directory.Exists(adapter) && !PeftAdapterWriter.HasWritten(adapter))
        {
            Directory.Move(adapter, AsideOf(adapter));
        }

        _owner.PublishFolder(RunFolder.AdapterFolderName, fill);
        return adapter;
    }

    /// <summary>Ends the ownership, of which nothing is left in the folder.</summary>
    public void Release() => Guard(_path, () =>
    {
        _checkpoints.Release();
        _owner.Release();
    });

    public void Dispose()
    {
        _events.Dispose();
        _metrics.Dispose();
    }

    // Events come first: a folder with files of a run and without them would be somebody else's.
    private static OwnedRunFolder Take(RunTitle title, FolderOwnership owner, byte[] events, byte[] metrics, string? resolvedYaml)
    {
        var eventsFile = new LineFile(owner, Path.Combine(title.Output, RunFolder.EventsFileName), events);
        var folder = new OwnedRunFolder(title.Output, owner, TakeCheckpoints(title), eventsFile, new LineFile(owner, Path.Combine(title.Output, RunFolder.MetricsFileName), metrics));
        if (resolvedYaml is not null)
        {
            WriteText(owner, Path.Combine(title.Output, RunFolder.JobFileName), resolvedYaml);
        }

        return folder;
    }

    private static OwnedCheckpoints TakeCheckpoints(RunTitle title) => OwnedCheckpoints.Take(RunFolder.CheckpointsOf(title.Output), title.Job, title.Fence);

    private static byte[] Read(string output, string name)
    {
        var path = Path.Combine(output, name);
        return File.Exists(path) ? File.ReadAllBytes(path) : [];
    }

    private static void WriteText(FolderOwnership owner, string path, string text) => owner.PublishFile(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    // The folder goes, too: it is taken again once there are events.
    private static void DeleteCheckpoints(RunTitle title)
    {
        var checkpoints = TakeCheckpoints(title);
        checkpoints.DeleteAll();
        checkpoints.Release();
    }

    private static void DeleteAdapter(string output)
    {
        var adapter = Path.Combine(output, RunFolder.AdapterFolderName);
        foreach (var name in PeftAdapterWriter.FilesIn(adapter))
        {
            DeleteFile(Path.Combine(adapter, name));
        }

        DeleteIfEmpty(Path.Combine(adapter, TokenizerConfig.TemplateFolderName));
        DeleteIfEmpty(adapter);
    }

    private static void DeleteIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    // The job file itself may lie here.
    private static void PutAside(string output)
    {
        foreach (var path in RunFolder.Files.Select(name => Path.Combine(output, name)).Where(File.Exists))
        {
            File.Move(path, AsideOf(path));
        }
    }

    private static string AsideOf(string path) => Enumerable.Range(1, int.MaxValue).Select(number => $"{path}.before-{number}").First(candidate => !Path.Exists(candidate));

    private static void DeleteLines(string output)
    {
        foreach (var name in RunFolder.Files)
        {
            DeleteFile(Path.Combine(output, name));
        }
    }

    private static void DeleteFile(string path)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
        }
    }

    private static void Guard(string output, Action write) => Guard(output, () =>
    {
        write();
        return true;
    });

    private static T Guard<T>(string output, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IOException(RunFolder.Sentence(output, failure), failure);
        }
    }
}
