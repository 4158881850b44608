using System.Text;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A run's output folder for the entity that owns the run: everything that the entity publishes goes through here.</summary>
/// <remarks>
/// Under the entity's fence: once a later entity of the job has taken the folder over, nothing of this one's appears in it any more, in whatever moment it was (see <see cref="FolderOwnership"/>). Whole files and
/// folders appear by rename; of lines a process that ends leaves whole ones and perhaps a broken last one, which the next owner cuts. Lines and the plan are written by one thread; checkpoints and the adapter by
/// any. Errors are <see cref="IOException"/> with one sentence that names the folder, but for those of checkpoints and the adapter, which are as they came.
/// </remarks>
internal sealed class OwnedRunFolder : IDisposable
{
    private readonly string _path;
    private readonly FolderOwnership _owner;
    private readonly OwnedCheckpoints _checkpoints;
    private readonly LineFile _events;
    private readonly LineFile _metrics;
    private readonly Action<string> _tell;

    // Events come first: a folder with files of a run and without them would be somebody else's.
    private OwnedRunFolder(string path, OwnerTitle title, FolderOwnership owner, OwnedCheckpoints? checkpoints, string resolvedYaml, byte[] events, byte[] metrics, Action<string> tell)
    {
        (_path, _owner, _tell) = (path, owner, tell);
        _events = new LineFile(owner, Path.Combine(path, RunFolder.EventsFileName), events);
        try
        {
            _checkpoints = checkpoints ?? OwnedCheckpoints.Take(RunFolder.CheckpointsOf(path), title);
            _metrics = new LineFile(owner, Path.Combine(path, RunFolder.MetricsFileName), metrics);
            WriteText(RunFolder.JobFileName, resolvedYaml);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Makes the folder of a new run; an older run's files, which <see cref="RunFolder.Check"/> has allowed to delete, go first, and what somebody else left under their names is put aside.</summary>
    /// <param name="output">The folder.</param>
    /// <param name="title">Whose it is.</param>
    /// <param name="resolvedYaml">The job.</param>
    /// <param name="events">The first lines.</param>
    /// <param name="tell">Gets a sentence of what is put aside.</param>
    public static OwnedRunFolder Create(string output, OwnerTitle title, string resolvedYaml, IEnumerable<string> events, Action<string> tell) => Guard(output, () =>
    {
        var owner = FolderOwnership.Take(output, title);
        // Somebody else's adapter, beside which a run was asked for, stays until this run's takes its place; then it is put aside.
        if (RunFolder.HoldsRun(output))
        {
            EarlierRun.Delete(owner, output, title);
        }
        else
        {
            EarlierRun.PutAside(owner, output, tell);
        }

        return new OwnedRunFolder(output, title, owner, checkpoints: null, resolvedYaml, LineFile.BytesOf(events), [], tell);
    });

    /// <summary>Takes up the folder of a run that goes on from a checkpoint, or from the start: lines and checkpoints after that point go, for they are made again.</summary>
    /// <exception cref="IOException">It cannot be written, or whoever had it before has gone on since the point was chosen; then nothing is changed.</exception>
    public static OwnedRunFolder Resume(string output, OwnerTitle title, string resolvedYaml, ResumePoint resume, IEnumerable<string> events, Action<string> tell) => Guard<OwnedRunFolder?>(output, () =>
    {
        var owner = FolderOwnership.Take(output, title);
        var checkpoints = OwnedCheckpoints.Take(RunFolder.CheckpointsOf(output), title);
        // From here on nobody else makes one, or deletes the one that was chosen.
        if (!checkpoints.AreUpTo(resume.Checkpoint?.Step, resume.Damaged.Count))
        {
            checkpoints.Release();
            return null;
        }

        var folder = new OwnedRunFolder(
            output,
            title,
            owner,
            checkpoints,
            resolvedYaml,
            [.. RecoveredLines.Whole(Read(output, RunFolder.EventsFileName)), .. LineFile.BytesOf(events)],
            RecoveredLines.Metrics(Read(output, RunFolder.MetricsFileName), resume.Checkpoint, []),
            tell);
        folder._checkpoints.DeleteAfter(resume.Checkpoint?.Step ?? 0);
        return folder;
    }) ?? throw new IOException($"Another coordinator or job has gone on with the run in {output} since its checkpoint was chosen, and was stopped; go on from its newest one with --resume again.");

    /// <summary>Takes up the folder of a run whose entity was started again: what the journal says and the folder lacks is done.</summary>
    /// <param name="output">The folder.</param>
    /// <param name="title">Whose it is.</param>
    /// <param name="resolvedYaml">The job.</param>
    /// <param name="events">Event lines of the journal; at least one.</param>
    /// <param name="metrics">Metrics lines of the journal.</param>
    /// <param name="resume">Where the run of an earlier journal, whose lines come first, went on; null: there is none.</param>
    /// <param name="tell">Gets a sentence of what is put aside.</param>
    public static OwnedRunFolder Continue(string output, OwnerTitle title, string resolvedYaml, IReadOnlyList<string> events, IReadOnlyList<string> metrics, ResumePoint? resume, Action<string> tell)
    {
        title = title with { GoesOn = true };
        // The earlier entity's process may have ended before it had made, or taken up, the folder.
        if (metrics.Count == 0 && !RecoveredLines.Holds(Read(output, RunFolder.EventsFileName), events[0]))
        {
            return resume is null ? Create(output, title, resolvedYaml, events, tell) : Resume(output, title, resolvedYaml, resume, events, tell);
        }

        return Guard(output, () =>
        {
            var owner = FolderOwnership.Take(output, title);
            var folder = new OwnedRunFolder(
                output,
                title,
                owner,
                checkpoints: null,
                resolvedYaml,
                RecoveredLines.Events(Read(output, RunFolder.EventsFileName), events),
                RecoveredLines.Metrics(Read(output, RunFolder.MetricsFileName), resume?.Checkpoint, metrics),
                tell);
            if (resume is not null && metrics.Count == 0)
            {
                folder._checkpoints.DeleteAfter(resume.Checkpoint?.Step ?? 0);
            }

            return folder;
        });
    }

    public void WritePlan(string json) => Guard(() => WriteText(RunFolder.PlanFileName, json));

    public void AppendEvents(IEnumerable<string> lines) => Guard(() => _events.Append(lines));

    public void AppendMetrics(IEnumerable<string> lines) => Guard(() => _metrics.Append(lines));

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
        _owner.PublishFolder(RunFolder.AdapterFolderName, fill, adapter => EarlierRun.PutAdapterAside(adapter, _tell));
        return Path.Combine(_path, RunFolder.AdapterFolderName);
    }

    /// <summary>Writes nothing more; what says whose the run was stays.</summary>
    public void Release() => Guard(_checkpoints.Release);

    public void Dispose()
    {
        _events.Dispose();
        _metrics?.Dispose();
    }

    private static byte[] Read(string output, string name)
    {
        var path = Path.Combine(output, name);
        return File.Exists(path) ? File.ReadAllBytes(path) : [];
    }

    private void WriteText(string name, string text) => _owner.PublishFile(Path.Combine(_path, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private void Guard(Action write) => Guard(_path, () =>
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
