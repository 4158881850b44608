using System.Globalization;

namespace Orchestrator.Chaos;

/// <summary>One run of a job under a plan of faults.</summary>
internal static class ChaosRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan DelayOfFrames = TimeSpan.FromMilliseconds(300);

    /// <summary>Runs a job that nobody disturbs.</summary>
    /// <exception cref="ChaosException">It failed.</exception>
    public static RunFiles Quiet(string program, ChaosJob job, string output)
    {
        using var train = new TrainProcess(program, job.Arguments(output), worker: null);
        int code = train.Finish();
        return code == 0 ? new RunFiles(output) : throw new ChaosException($"{job}: the quiet run ended with {code}\n{train.Text}");
    }

    /// <summary>Runs a job and does the faults of the plan at their steps.</summary>
    /// <param name="program">The coordinator.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="job">The job.</param>
    /// <param name="plan">In the order of their steps.</param>
    /// <param name="folder">Where the output and the worker's script go.</param>
    public static async Task<ChaosOutcome> DisturbedAsync(string program, string worker, ChaosJob job, IReadOnlyList<Fault> plan, string folder)
    {
        Directory.CreateDirectory(folder);
        await using var network = new WorkerNetwork(folder, worker, job.Workers);
        var files = new RunFiles(Path.Combine(folder, "out"));
        using var train = new TrainProcess(program, job.Arguments(files.Folder), network.Program);
        using var patience = new CancellationTokenSource(Patience);
        var done = new List<DoneFault>();
        var later = new List<Task>();
        try
        {
            foreach (var planned in plan)
            {
                while (!train.HasExited && !IsTime(planned, job, files))
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(10), patience.Token);
                }

                var fault = planned.IsOfPlace ? planned.OfPlace(files.Plan) : planned;

                if (!train.HasExited && TryDo(fault, train, network, later))
                {
                    done.Add(new DoneFault(fault, DateTimeOffset.UtcNow));
                }
            }

            while (!train.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), patience.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new ChaosException(string.Create(CultureInfo.InvariantCulture, $"{job}: not done after {Patience.TotalMinutes} minutes, at step {files.CommittedStep}\n{train.Text}"));
        }

        await Task.WhenAll(later);
        return new ChaosOutcome(job, done, train.Finish(), train.Lines, files);
    }

    // A spare that has not attached when its turn comes is none: a worker's next life would take the place.
    private static bool IsTime(Fault planned, ChaosJob job, RunFiles files) => files.CommittedStep >= planned.Step && files.AttachedWorkers >= job.Workers;

    // False: there was nobody to do it to.
    private static bool TryDo(Fault fault, TrainProcess train, WorkerNetwork network, List<Task> later)
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

                later.Add(LaterAsync(fault.Duration, () => train.Signal(stopped, Signals.Continue)));
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

                later.Add(LaterAsync(fault.Duration, () => network[fault.Worker].Delay(TimeSpan.Zero)));
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
