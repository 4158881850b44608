namespace Orchestrator.Chaos;

/// <summary>Does the faults of a plan to a run, each when its time has come.</summary>
/// <param name="job">The job.</param>
/// <param name="files">What the run has written so far.</param>
/// <param name="train">Its processes.</param>
/// <param name="network">Its workers' connections.</param>
internal sealed class FaultPlanRun(ChaosJob job, RunFiles files, TrainProcess train, WorkerNetwork network)
{
    private const int MostLossesOfAStep = 2;
    private static readonly TimeSpan TimeToNotice = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan DelayOfFrames = TimeSpan.FromMilliseconds(300);
    private readonly List<DoneFault> _done = [];
    private readonly List<Task> _later = [];

    /// <summary>Those that were done.</summary>
    public IReadOnlyList<DoneFault> Done => _done;

    /// <summary>Signals that the run ended before.</summary>
    public int Missed { get; private set; }

    /// <summary>Does them one after the other, until the run ends.</summary>
    public async Task DoAsync(IReadOnlyList<Fault> plan, CancellationToken cancellationToken)
    {
        foreach (var planned in plan)
        {
            if (await DoAsync(planned, cancellationToken) is { } done)
            {
                _done.Add(done);
            }
            else if (planned.IsSignal)
            {
                Missed++;
            }
        }
    }

    /// <summary>Ends when faults that last for a while have been undone.</summary>
    public Task UndoneAsync() => Task.WhenAll(_later);

    // A process is found again once it has another life, a connection may never be made. Null: the run ended before, or there was nothing to do it to.
    private async Task<DoneFault?> DoAsync(Fault planned, CancellationToken cancellationToken)
    {
        while (!train.HasExited)
        {
            if (IsTime(planned))
            {
                var time = DateTimeOffset.UtcNow;
                if (Candidates(planned).FirstOrDefault(TryDo) is { } fault)
                {
                    return new DoneFault(fault, time, files.CommittedStep);
                }

                if (!planned.IsSignal)
                {
                    return null;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }

        return null;
    }

    // Where a worker has no process at this moment, the next one is taken.
    private IEnumerable<Fault> Candidates(Fault planned)
    {
        var fault = planned.IsOfPlace ? planned.OfPlace(files.Plan) : planned;
        return Enumerable.Range(0, fault.IsSignal ? job.Workers : 1).Select(i => fault with { Worker = (fault.Worker + i) % job.Workers });
    }

    // A spare that has not attached when its turn comes is none: a worker's next life would take the place. A step that loses workers three times ends the job, as it should.
    private bool IsTime(Fault planned)
    {
        int committed = files.CommittedStep;
        return committed >= planned.Step && files.AttachedWorkers >= job.Workers
            && _done.Count(earlier => earlier.Fault.IsSignal && earlier.Step >= committed) < MostLossesOfAStep
            && (!job.Apart || HasGotOver(committed));
    }

    // Two steps on: survivors may account for the step that was under way, and the next one takes a job that trains again and has its mirrors.
    private bool HasGotOver(int committed)
    {
        var losses = files.Events().Where(line => line.Name is "lost" or "leave").Select(line => line.Step).Concat(_done.Select(earlier => earlier.Step));
        return losses.All(step => committed >= step + 2) && _done.TrueForAll(earlier => DateTimeOffset.UtcNow - earlier.Time >= earlier.Fault.Duration + TimeToNotice);
    }

    // False: there was nobody to do it to.
    private bool TryDo(Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Kill:
                return train.Signal(fault.WorkerName, Signals.Kill) is not null;
            case FaultKind.Terminate:
                return train.Signal(fault.WorkerName, Signals.Terminate) is not null;
            case FaultKind.Stop:
                if (train.Signal(fault.WorkerName, Signals.Stop) is not { } stopped)
                {
                    return false;
                }

                _later.Add(LaterAsync(fault.Duration, () => train.Signal(stopped, Signals.Continue)));
                return true;
            case FaultKind.Reset:
                return network[fault.Worker].Reset();
            case FaultKind.HalfOpen:
                return network[fault.Worker].HalfOpen();
            case FaultKind.Corrupt:
                return network[fault.Worker].Corrupt();
            case FaultKind.Delay:
                if (!network[fault.Worker].Delay(DelayOfFrames))
                {
                    return false;
                }

                _later.Add(LaterAsync(fault.Duration, () => network[fault.Worker].Delay(TimeSpan.Zero)));
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, "no such fault");
        }
    }

    private static async Task LaterAsync(TimeSpan delay, Action action)
    {
        await Task.Delay(delay);
        action();
    }
}
