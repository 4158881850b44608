namespace Orchestrator.Coordinator.Runs;

/// <summary>Publishes a job's journal into its run's folder, event by event.</summary>
/// <remarks>
/// The folder appears when the job is prepared: a request that was wrong leaves nothing. A run that goes on is touched when the job is placed, for
/// only then is it certain that it can. After a failed write nothing more is tried, so
/// that no later line follows a missing one. Errors are <see cref="IOException"/>. Used by the entity alone.
/// </remarks>
internal sealed class RunPublication(string job)
{
    private readonly List<string> _events = [];
    private readonly List<string> _metrics = [];
    private RunFolder? _folder;

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
            _folder = RunFolder.Continue(record.Output, _events, _metrics, record.Resume);
        }

        _events.Clear();
        _metrics.Clear();
    }

    public void Publish(JobRecord after, IJobEvent happened)
    {
        var events = RunLines.Events(job, after, happened);
        if (happened is JobPrepared { Resume: null })
        {
            _folder = RunFolder.Create(after.Output, after.Resolved, events);
        }
        else if (happened is JobPlaced && after is { Resume: { } resume, Generations.Placements: 1 })
        {
            _folder = RunFolder.Resume(after.Output, after.Resolved, resume, events);
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

    private void Write(Action<RunFolder> write)
    {
        var folder = _folder;
        _folder = null;
        if (folder is not null)
        {
            write(folder);
            _folder = folder;
        }
    }
}
