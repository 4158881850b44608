using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli;

/// <summary>One <c>train</c>: an embedded cluster, a submission and a watch until the job has ended.</summary>
internal sealed class TrainRun(TrainRequest request, CommandOutput output, Interrupts interrupts, RunLog log, bool json)
{
    private readonly Lock _cancelGate = new();
    private Task? _cancelling;

    /// <summary>Runs to the job's end and reports it.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        var folder = WorkFolder.Under(request.Output);
        var headStart = HeadStart.Begin(request, folder.Folders.Data, interrupts.Now);
        await using var cluster = await EmbeddedCluster.StartAsync(folder, log, interrupts.Now);
        using var jobs = cluster.Connect();
        var submitted = await SubmitAsync(cluster, jobs, headStart);
        if (submitted.Errors.Count > 0)
        {
            return Refuse(submitted.Errors);
        }

        IProgressView view = output.IsTerminal ? LiveView.On(output.Messages, request.Job.Name) : new PlainView(output.Messages, TimeProvider.System);
        using var stop = interrupts.Stop.Register(() => Cancel(jobs, submitted.Job, view));
        var last = await view.ShowAsync(show => FollowAsync(cluster, jobs, submitted.Job, show));
        if (_cancelling is { } cancelling)
        {
            await cancelling;
        }

        return Report(last);
    }

    // The coordinator's journal takes a second to open: where all is well by then, the workers start meanwhile.
    private async Task<SubmitJobReply> SubmitAsync(EmbeddedCluster cluster, JobsConnection jobs, HeadStart headStart)
    {
        await using var ended = headStart;
        var submitting = jobs.SubmitAsync(request.Submission, interrupts.Now);
        if (await Task.WhenAny(submitting, headStart.IsPrepared) != submitting && await headStart.IsPrepared)
        {
            StartWorkers(cluster, required: null);
        }

        return await submitting;
    }

    private async Task<JobStatus> FollowAsync(EmbeddedCluster cluster, JobsConnection jobs, string job, Action<JobStatus> show)
    {
        var last = new JobStatus { Job = job };
        await foreach (var status in jobs.WatchAsync(job, interrupts.Now))
        {
            if (HasOutput(status))
            {
                // From here on the run has an output folder, and what was prepared for it stays there as after prepare.
                cluster.Folder.KeepData();
                // The run's folder is made, and an older run's files deleted, when the job is prepared.
                log.WriteTo(Path.Combine(request.Output, RunFolder.LogFileName));
            }

            if (IsPrepared(status))
            {
                StartWorkers(cluster, status.RequiredClass);
            }

            show(status);
            last = status;
        }

        return last;
    }

    // Also of a job that failed as soon as it was prepared, for its workers could not start; not of a wrong request, or of a run that is finished already.
    private static bool HasOutput(JobStatus status) => IsPrepared(status) || status is { StepsPlanned: > 0, State: JobState.Failed, Invalid: false };

    // A request that preparation finds to be wrong never starts a worker, nor does a run that is finished already.
    private static bool IsPrepared(JobStatus status) => status.StepsPlanned > 0 && !JobStates.HasEnded(status.State);

    // A run that goes on keeps its numeric class: rather more threads than processors than other bits.
    private void StartWorkers(EmbeddedCluster cluster, NumericClass? required)
    {
        var resources = request.Job.Resources;
        var path = required is { Backend: "cpu" } && JobKeys.InstructionPaths.Contains(required.InstructionPath) ? required.InstructionPath : null;
        cluster.StartWorkers(request.NumWorkers, resources.ComputeThreads ?? (int?)required?.Threads, resources.NumericClass ?? path);
    }

    private void Cancel(JobsConnection jobs, string job, IProgressView view)
    {
        lock (_cancelGate)
        {
            if (_cancelling is not null)
            {
                return;
            }

            view.Note("stopping after the current step; Ctrl-C again stops at once");
            _cancelling = CancelAsync(jobs, job);
        }
    }

    private async Task CancelAsync(JobsConnection jobs, string job)
    {
        try
        {
            await jobs.CancelAsync(job, interrupts.Now);
        }
        catch (Exception failure) when (failure is OperationCanceledException or CommandFailedException)
        {
            log.Write(LogLevel.Warning, nameof(TrainRun), $"The job could not be told to stop: {failure.Message}");
        }
    }

    private int Refuse(IEnumerable<string> errors)
    {
        foreach (var error in errors)
        {
            output.Error(error);
        }

        return ExitCodes.WrongRequest;
    }

    private int Report(JobStatus status)
    {
        if (status.Invalid)
        {
            output.Error(status.Reason);
            return ExitCodes.WrongRequest;
        }

        if (json)
        {
            output.Results.WriteLine(TrainReport.Json(status));
        }

        if (status.State == JobState.Succeeded)
        {
            if (!json)
            {
                foreach (var line in TrainReport.Lines(status))
                {
                    output.Results.WriteLine(line);
                }
            }

            return ExitCodes.Done;
        }

        output.Error(status switch
        {
            { State: JobState.Cancelled, StepsPlanned: 0 } => "Stopped while the model and the data were read; nothing was trained.",
            { State: JobState.Cancelled, Step: 0 } => $"Stopped after step 0 of {status.StepsPlanned}; train --resume starts the run.",
            // While it waited for workers nothing more could be saved.
            { State: JobState.Cancelled, Reason.Length: > 0 } => $"Stopped after step {status.Step} of {status.StepsPlanned}, while it waited for workers; train --resume goes on from its newest checkpoint.",
            { State: JobState.Cancelled } => $"Stopped after step {status.Step} of {status.StepsPlanned}, whose state is saved; train --resume goes on from there.",
            { Fault: true } => $"{status.Reason} {FaultLog.Where(log)}",
            _ => status.Reason,
        });
        return status.State == JobState.Cancelled ? ExitCodes.Interrupted : ExitCodes.Failed;
    }
}
