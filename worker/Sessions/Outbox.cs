using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Sessions;

/// <summary>What this worker has to tell coordinators: kept until it can no longer be asked for, sent again over every new stream.</summary>
/// <remarks>
/// Thread-safe. Messages are idempotent on what they name, so a coordinator that takes over may hear all of it; everything carries the newest fence of its
/// job, for a coordinator drops what names an older one. What older generations reported stays until a window of a newer one is opened: steps are committed by it,
/// whoever is lost. Bounded: reports of steps, evaluations and saved states of the newest windows, the newest answers, the newest of everything else, scores
/// of the requests that are not answered yet (over <see cref="MostScoreBytes"/> the request fails; nothing is dropped), nothing of a released job but its failure.
/// </remarks>
internal sealed class Outbox(long mostScoreBytes = Outbox.MostScoreBytes)
{
    /// <summary>Scores that may wait for a coordinator: far more than the few requests that one has under way.</summary>
    public const long MostScoreBytes = 256L << 20;

    /// <summary>Of reports that lie beside a lone worker's state: far more than a window of them takes, and no message that carries them is too long for a coordinator.</summary>
    private const int MostReportBytes = 2 << 20;

    private const ulong KeptAnswers = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ulong> _fences = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ulong> _newestRequests = new(StringComparer.Ordinal);

    // By position: a message is only ever added behind all others.
    private readonly List<(long Position, WorkerMessage Message)> _messages = [];
    private TaskCompletionSource _posted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _scoreBytes;
    private long _last;

    /// <exception cref="WorkerFaultException">Too many scores wait.</exception>
    public void Post(WorkerMessage message)
    {
        lock (_gate)
        {
            Supersede(message);
            if (message.BodyCase == WorkerMessage.BodyOneofCase.Score)
                TakeRoom(message);
            Add(JobOf(message) is { } job && _fences.TryGetValue(job, out var fence) ? message.WithFence(fence) : message);
        }
    }

    /// <summary>A command with this fence was obeyed: from now on the job's messages carry it, those that wait included, which are sent again.</summary>
    public void Fence(string job, ulong fence)
    {
        lock (_gate)
        {
            if (_fences.TryGetValue(job, out var known) && known >= fence)
                return;
            _fences[job] = fence;
            bool IsOlder(WorkerMessage message) => JobOf(message) == job && message.JobScope!.Fence < fence;
            var older = _messages.Where(waiting => IsOlder(waiting.Message)).ToList();
            _messages.RemoveAll(waiting => IsOlder(waiting.Message));
            foreach (var (_, message) in older)
                Add(message.WithFence(fence));
        }
    }

    /// <summary>The first message after a position; waits for one.</summary>
    public async Task<(long Position, WorkerMessage Message)> NextAsync(long after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task posted;
            lock (_gate)
            {
                if (NextLocked(after) is { } next)
                    return next;
                posted = _posted.Task;
            }

            await posted.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The first message after a position; null: there is none yet.</summary>
    public (long Position, WorkerMessage Message)? Next(long after)
    {
        lock (_gate)
            return NextLocked(after);
    }

    /// <summary>The reports of a job's steps and evaluations that may still be asked for; the newest, where all are too many.</summary>
    public PendingReports ReportsOf(string job, int mostBytes = MostReportBytes)
    {
        lock (_gate)
        {
            var bytes = 0L;
            var newest = _messages.Select(waiting => waiting.Message).Reverse()
                .Where(message => message.BodyCase is WorkerMessage.BodyOneofCase.Step or WorkerMessage.BodyOneofCase.Evaluation && JobOf(message) == job)
                .TakeWhile(message => (bytes += message.CalculateSize()) <= mostBytes).Reverse().ToList();
            return new PendingReports
            {
                Steps = { newest.Where(message => message.Step is not null).Select(message => message.Step) },
                Evaluations = { newest.Where(message => message.Evaluation is not null).Select(message => message.Evaluation) },
            };
        }
    }

    /// <summary>A window that begins with this step was opened: the coordinator has committed everything before <paramref name="step"/>.</summary>
    public void Committed(string job, ulong step) => Remove(message => JobOf(message) == job && StepOf(message) < step);

    /// <summary>A window of this generation was opened: what older ones had to say is committed, or of steps that were given up.</summary>
    public void EndOlder(string job, ulong generation) => Remove(message => JobOf(message) == job && message.JobScope!.Generation < generation);

    /// <summary>A newer generation is joined: that a peer of an older one could not be reached need not be told any more.</summary>
    public void PeersAreBack(string job, ulong generation) => Remove(message => message.BodyCase == WorkerMessage.BodyOneofCase.Failure && JobOf(message) == job
        && message.Failure.Failure.Code == ErrorCode.PeerUnreachable && message.Failure.Scope.Generation < generation);

    /// <summary>The coordinator has the answers to all requests before <paramref name="request"/>.</summary>
    public void Answered(string job, ulong request) =>
        Remove(message => message.BodyCase == WorkerMessage.BodyOneofCase.Score && JobOf(message) == job && message.Score.RequestId < request);

    /// <summary>The job no longer needs this worker; what it obeys from now on is another life's.</summary>
    public void Unfence(string job)
    {
        lock (_gate)
            _fences.Remove(job);
    }

    /// <summary>The job's part here has ended: nothing of it is told any more but its failure.</summary>
    public void Forget(string job)
    {
        lock (_gate)
        {
            _newestRequests.Remove(job);
            RemoveLocked(message => JobOf(message) == job && message.BodyCase != WorkerMessage.BodyOneofCase.Failure);
        }
    }

    private void Supersede(WorkerMessage message)
    {
        switch (message.BodyCase)
        {
            case WorkerMessage.BodyOneofCase.StageLoad or WorkerMessage.BodyOneofCase.GenerationReady or WorkerMessage.BodyOneofCase.Held or WorkerMessage.BodyOneofCase.Failure
                or WorkerMessage.BodyOneofCase.Joined:
                RemoveLocked(old => old.BodyCase == message.BodyCase && JobOf(old) == JobOf(message));
                break;
            case WorkerMessage.BodyOneofCase.Drain:
                RemoveLocked(old => old.BodyCase == message.BodyCase);
                break;
            case WorkerMessage.BodyOneofCase.Generate when message.Generate.Parts.Count > 0:
                var newest = message.Generate.Parts.Max(part => part.RequestId);
                if (JobOf(message) is not { } asked || newest <= _newestRequests.GetValueOrDefault(asked))
                    break;
                _newestRequests[asked] = newest;
                RemoveLocked(old => old.BodyCase == WorkerMessage.BodyOneofCase.Generate && JobOf(old) == JobOf(message)
                    && old.Generate.Parts.All(part => part.RequestId + KeptAnswers <= newest));
                break;
            default:
                break;
        }
    }

    private void TakeRoom(WorkerMessage score)
    {
        var bytes = BytesOf(score);
        if (_scoreBytes + bytes > mostScoreBytes)
        {
            throw new WorkerFaultException(
                ErrorCode.ResourceExhausted, $"{_scoreBytes + bytes} bytes of scores wait for the coordinator where {mostScoreBytes} may: score fewer samples a request.");
        }

        _scoreBytes += bytes;
    }

    private void Add(WorkerMessage message)
    {
        _messages.Add((++_last, message));
        _posted.TrySetResult();
        _posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void Remove(Func<WorkerMessage, bool> which)
    {
        lock (_gate)
            RemoveLocked(which);
    }

    private void RemoveLocked(Func<WorkerMessage, bool> which) => _messages.RemoveAll(waiting =>
    {
        if (!which(waiting.Message))
            return false;
        if (waiting.Message.BodyCase == WorkerMessage.BodyOneofCase.Score)
            _scoreBytes -= BytesOf(waiting.Message);
        return true;
    });

    private (long Position, WorkerMessage Message)? NextLocked(long after) => IndexAfter(after) is var index && index < _messages.Count ? _messages[index] : null;

    private int IndexAfter(long position)
    {
        var (first, end) = (0, _messages.Count);
        while (first < end)
        {
            var middle = (first + end) / 2;
            if (_messages[middle].Position > position)
                end = middle;
            else
                first = middle + 1;
        }

        return first;
    }

    // Without the scope, which may change.
    private static long BytesOf(WorkerMessage score) => score.Score.Samples.Sum(sample => (long)sample.CalculateSize());

    private static string? JobOf(WorkerMessage message) => message.JobScope?.Job;

    private static ulong StepOf(WorkerMessage message) => message.BodyCase switch
    {
        WorkerMessage.BodyOneofCase.Step => message.Step.Step,
        WorkerMessage.BodyOneofCase.Evaluation => message.Evaluation.Step,
        WorkerMessage.BodyOneofCase.StateSaved => message.StateSaved.Step,
        _ => ulong.MaxValue,
    };
}
