using System.Globalization;

namespace Orchestrator.Chaos;

/// <summary>One run of a job under a plan of faults.</summary>
internal static class ChaosRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a job that nobody disturbs.</summary>
    /// <exception cref="ChaosException">It failed.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted, and has ended.</exception>
    public static RunFiles Quiet(string program, ChaosJob job, string output, CancellationToken cancellationToken = default)
    {
        using var train = new TrainProcess(program, job.Arguments(output), worker: null);
        using var interrupted = cancellationToken.Register(train.Kill);
        int code = train.Finish();
        cancellationToken.ThrowIfCancellationRequested();
        return code == 0 ? new RunFiles(output) : throw new ChaosException($"{job}: the quiet run ended with {code}\n{train.Text}");
    }

    /// <summary>Runs a job and does the faults of the plan at their steps.</summary>
    /// <param name="program">The coordinator.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="job">The job.</param>
    /// <param name="plan">In the order of their steps.</param>
    /// <param name="folder">Where the output and the worker's script go.</param>
    /// <param name="cancellationToken">Ends the job.</param>
    public static async Task<ChaosOutcome> DisturbedAsync(string program, string worker, ChaosJob job, IReadOnlyList<Fault> plan, string folder, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(folder);
        await using var network = new WorkerNetwork(folder, worker, job.Workers);
        var files = new RunFiles(Path.Combine(folder, "out"));
        using var train = new TrainProcess(program, job.Arguments(files.Folder), network.Program);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var faults = new FaultPlanRun(job, files, train, network);
        try
        {
            await faults.DoAsync(plan, patience.Token);
            while (!train.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ChaosException(string.Create(CultureInfo.InvariantCulture, $"{job}: not done after {Patience.TotalMinutes} minutes, at step {files.CommittedStep}\n{train.Text}"));
        }

        await faults.UndoneAsync();
        return new ChaosOutcome(job, faults.Done, faults.Missed, train.Finish(), train.Lines, files);
    }
}
