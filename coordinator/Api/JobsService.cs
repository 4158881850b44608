using Akka.Actor;
using Akka.Hosting;
using Grpc.Core;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Status = Grpc.Core.Status;

namespace Orchestrator.Coordinator.Api;

/// <summary>Jobs as clients see them: validates, maps, asks the job's entity.</summary>
/// <remarks>What workers do at the moment is no part of a job's state: it is laid over the statuses of <see cref="Watch"/>, and sent again when it changed.</remarks>
internal sealed class JobsService(JobClient jobs, IReadOnlyActorRegistry actors, TimeProvider time) : Protos.Jobs.JobsBase
{
    private static readonly TimeSpan ActivityInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(5);

    public override async Task<SubmitJobReply> Submit(SubmitJobRequest request, ServerCallContext context)
    {
        if (request.Document.Length == 0)
        {
            return new SubmitJobReply { Errors = { "The request holds no job file." } };
        }

        if (request.Resume && request.Overwrite)
        {
            return new SubmitJobReply { Errors = { "Resume and overwrite exclude each other; ask for one." } };
        }

        return await Answered(() => jobs.SubmitAsync(request, context.CancellationToken));
    }

    public override Task<JobStatus> Get(JobRequest request, ServerCallContext context) =>
        Known(request, () => jobs.GetAsync(request.Job, context.CancellationToken));

    public override Task<JobStatus> Cancel(JobRequest request, ServerCallContext context) =>
        Known(request, () => jobs.CancelAsync(request.Job, context.CancellationToken));

    public override async Task Watch(JobRequest request, IServerStreamWriter<JobStatus> responseStream, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        // The entity's watcher drops states in between for a slow reader, never the last.
        await using var statuses = jobs.WatchAsync(request.Job, ended.Token).GetAsyncEnumerator(ended.Token);
        Task<bool>? next = null;
        JobStatus? last = null;
        try
        {
            while (true)
            {
                next ??= statuses.MoveNextAsync().AsTask();
                if (last is not null)
                {
                    await Task.WhenAny(next, Task.Delay(ActivityInterval, time, ended.Token));
                }

                var isNews = next.IsCompleted || last is null;
                if (isNews && !await NextAsync(next))
                {
                    return;
                }

                var status = isNews ? statuses.Current : last!.Clone();
                if (isNews)
                {
                    next = null;
                }

                if (status.State == JobState.Unspecified)
                {
                    throw NotFound(request);
                }

                var fresh = await WithActivitiesAsync(status, ended.Token);
                if (!isNews && fresh.Equals(last))
                {
                    continue;
                }

                await responseStream.WriteAsync(fresh, ended.Token);
                last = fresh;
            }
        }
        finally
        {
            await ended.CancelAsync();
            if (next is not null)
            {
                await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    private static async Task<bool> NextAsync(Task<bool> next)
    {
        try
        {
            return await next;
        }
        catch (JobSilentException silent)
        {
            throw new RpcException(new Status(StatusCode.Internal, silent.Message));
        }
    }

    private async Task<JobStatus> WithActivitiesAsync(JobStatus status, CancellationToken cancellationToken)
    {
        if (JobStates.HasEnded(status.State))
        {
            return status;
        }

        try
        {
            var activities = await actors.Get<WorkerDirectory>().Ask<WorkerActivities>(new GetActivities(), AskTimeout, cancellationToken);
            foreach (var worker in status.Workers)
            {
                if (activities.ByWorker.TryGetValue(worker.Worker, out var activity))
                {
                    (worker.Activity, worker.Waits) = (activity.Text, activity.Waits);
                }
            }
        }
        catch (AskTimeoutException)
        {
            // A busy machine: the state itself is known, and what the workers do comes with the next one.
        }

        return status;
    }

    private static async Task<JobStatus> Known(JobRequest request, Func<Task<JobStatus>> ask)
    {
        var status = await Answered(ask);
        return status.State == JobState.Unspecified ? throw NotFound(request) : status;
    }

    private static async Task<T> Answered<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (AskTimeoutException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The job's entity does not answer; try again."));
        }
        catch (NotJournaledException refused)
        {
            throw new RpcException(new Status(refused.TakenOver ? StatusCode.Aborted : StatusCode.Internal, refused.Message));
        }
    }

    private static RpcException NotFound(JobRequest request) => new(new Status(StatusCode.NotFound, $"There is no job '{request.Job}'."));
}
