using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Publishes a job's journal into its run's folder, event by event.</summary>
/// <remarks>
/// The folder appears when the job is prepared: a request that was wrong leaves nothing. A run that goes on is touched when the job is placed, for
/// only then is it certain that it can. After a failed write nothing more is tried, so
/// that no later line follows a missing one. Errors are <see cref="IOException"/>. Used by the entity alone.
/// </remarks>
internal sealed class RunPublication(string job, Action<string> tell) : IDisposable
{
    private readonly List<string> _events = [];
    private readonly List<string> _metrics = [];
    private OwnedRunFolder? _folder;
    private bool _hasFailed;

    /// <summary>The folder; asked for by whoever has something to write beside the journal, which no run does before it is placed.</summary>
    public OwnedRunFolder Folder => _folder ?? throw new InvalidOperationException($"The run of {job} has no folder yet.");

    /// <summary>Remembers the lines of a replayed event until <see cref="Continue"/>.</summary>
    public void Recall(JobRecord after, IJobEvent happened)
    {
        _events.AddRange(RunLines.Events(job, after, happened));
        if (RunLines.Metrics(happened) is { } line)
        {
            _metrics.Add(line);
        }
    }

    /// <summary>Takes up the folder after a replay.</summary>
    public void Continue(JobRecord record)
    {
        // A run that goes on leaves its folder alone until it is placed.
        if (record.IsPrepared && (record.Resume is null || record.Placement is not null))
        {
            _folder = OwnedRunFolder.Continue(record.Output, TitleOf(record), record.Resolved, _events, _metrics, record.Resume, tell);
        }

        _events.Clear();
        _metrics.Clear();
    }

    public void Publish(JobRecord after, IJobEvent happened)
    {
        var events = RunLines.Events(job, after, happened);
        if (happened is JobPrepared { Resume: null })
        {
            _folder = OwnedRunFolder.Create(after.Output, TitleOf(after), after.Resolved, events, tell);
        }
        else if (happened is JobPlaced && after is { Resume: { } resume, Generations.Placements: 1 })
        {
            _folder = OwnedRunFolder.Resume(after.Output, TitleOf(after), after.Resolved, resume, events, tell);
        }
        else
        {
            Write(folder => folder.AppendEvents(events));
            if (RunLines.Metrics(happened) is { } line)
            {
                Write(folder => folder.AppendMetrics([line]));
            }
        }
    }

    public void WritePlan(string json) => Write(folder => folder.WritePlan(json));

    /// <summary>The run has ended, or its entity: whoever goes on takes the folder anew.</summary>
    public void End() => _folder?.Release();

    public void Dispose() => _folder?.Dispose();

    private OwnerTitle TitleOf(JobRecord record) => new(job, record.Fence);

    private void Write(Action<OwnedRunFolder> write)
    {
        if (_folder is null || _hasFailed)
        {
            return;
        }

        _hasFailed = true;
        write(_folder);
        _hasFailed = false;
    }
}
