using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Sessions;

/// <summary>A worker's life: attached to a coordinator, obeying its commands, attached again when the stream breaks.</summary>
/// <remarks>
/// <code>
/// attaching ─accepted→ attached ─stream breaks→ attaching        jobs go on computing meanwhile and hold at their windows' ends
///     |                       |
///  refused           Shutdown, told to end, or drained and served no job any more: leaves
///     └─────→ ended ←─────────┘
/// </code>
/// One a process. Commands are handled in the order in which they come, and none waits for a job's work or end; those of an older fence or
/// generation are dropped and counted.
/// </remarks>
internal sealed class WorkerSession(WorkerOptions options, WorkerParts parts)
{
    private const string AttachMethod = "orchestrator.v1.WorkerAttachment/Attach";

    private readonly AttachToken _token = new(options.JoinToken);
    private readonly AttachTries _tries = new(parts.Logger, TimeProvider.System);
    private readonly JobFences _fences = new();
    private readonly Dictionary<string, ServedJob> _jobs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task> _releases = new(StringComparer.Ordinal);
    private int _next;
    private volatile int _served;
    private volatile bool _draining;

    /// <summary>Runs until a coordinator shuts the worker down or it is told to end; the coordinator is told that it leaves.</summary>
    /// <param name="why">Why it ends, asked once it does; completes "worker-2 left: ...".</param>
    /// <param name="draining">Asks it to end once it serves no job: until then it goes on, and says so.</param>
    /// <param name="ending">Ends it now.</param>
    /// <exception cref="AttachRefusedException">No coordinator wants this worker.</exception>
    public async Task RunAsync(Func<string> why, CancellationToken draining, CancellationToken ending)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(ending);
        await using var drain = draining.Register(() => Drain(why(), leaving));
        try
        {
            var left = false;
            while (!left)
            {
                using var coordinator = await ResiliencePipelines.For(AttachMethod).ExecuteAsync(opening => AttachAsync(opening, leaving.Token), leaving.Token);
                _tries.Succeeded();
                parts.Logger.Attached(coordinator.Address);
                left = await ServeAsync(coordinator, why, leaving);
            }
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            parts.Logger.Ending(why());
        }
        finally
        {
            foreach (var job in _jobs.Keys.ToArray())
                Release(job, served => served.DisposeAsync());
            await Task.WhenAll(_releases.Values);
        }
    }

    // On the thread of a signal: jobs may come and go meanwhile, and the loop looks again after each command.
    private void Drain(string reason, CancellationTokenSource leaving)
    {
        _draining = true;
        // The loop writes and reads the other way round: without this each might miss what the other wrote.
        Interlocked.MemoryBarrier();
        if (_served == 0)
        {
            leaving.Cancel();
            return;
        }

        parts.Logger.Draining(reason);
        parts.Outbox.Post(new WorkerMessage { Drain = new WorkerDrain { Reason = reason } });
    }

    // Each try goes to the next coordinator.
    private async ValueTask<CoordinatorConnection> AttachAsync(CancellationToken opening, CancellationToken ending)
    {
        var coordinator = options.Coordinators[_next++ % options.Coordinators.Count];
        try
        {
            var connection = await CoordinatorConnection.OpenAsync(coordinator, Request(), opening);
            _token.Accepted(connection.Accepted.Credential);
            return connection;
        }
        catch (AttachRefusedException refused) when (_token.Refused(refused.Code))
        {
            return await AttachAsync(opening, ending);
        }
        catch (OperationCanceledException) when (!ending.IsCancellationRequested)
        {
            _tries.Failed(coordinator, "it did not answer in time.");
            throw;
        }
        catch (Exception failure) when (ResiliencePipelines.IsTransient(failure))
        {
            _tries.Failed(coordinator, FailureSentences.Of(failure).Message);
            throw;
        }
        catch (RpcException answer) when (answer.StatusCode == StatusCode.Unimplemented && options.Coordinators.Count == 1)
        {
            throw new AttachRefusedException(coordinator, answer);
        }
        catch (RpcException answer)
        {
            // A coordinator that fails to answer may do so the next time, and another of the list may be one.
            _tries.Failed(coordinator, FailureSentences.Of(answer).Message);
            throw new RpcException(new Status(StatusCode.Unavailable, answer.Status.Detail, answer));
        }
    }

    private AttachRequest Request() => new()
    {
        Worker = parts.Self,
        JoinToken = _token.Current,
        NumericClass = parts.Runtime.NumericClass,
        PeerAddress = options.Advertise ?? parts.Peers.Address,
        MemoryLimitBytes = options.MemoryLimitBytes,
        Device = options.Runtime.Device,
        FastBfloat16 = parts.Runtime.FastBfloat16,
        Version = typeof(WorkerSession).Assembly.GetName().Version?.ToString(3) ?? "",
        ProcessId = Environment.ProcessId,
    };

    // True: this worker has left; false: the stream broke.
    private async Task<bool> ServeAsync(CoordinatorConnection coordinator, Func<string> why, CancellationTokenSource leaving)
    {
        using var done = new CancellationTokenSource();
        Task[] senders = [SendOutboxAsync(coordinator, done.Token), SendHeartbeatsAsync(coordinator, done.Token)];
        try
        {
            var reason = await ObeyAllAsync(coordinator, why, leaving);
            parts.Logger.Ending(reason);
            await coordinator.LeaveAsync(reason);
            return true;
        }
        catch (StreamBrokenException broken)
        {
            parts.Logger.StreamBroke(coordinator.Address, broken.Message);
            return false;
        }
        finally
        {
            await done.CancelAsync();
            await coordinator.Abort();
            await Task.WhenAll(senders);
        }
    }

    // Why this worker is to end.
    private async Task<string> ObeyAllAsync(CoordinatorConnection coordinator, Func<string> why, CancellationTokenSource leaving)
    {
        while (true)
        {
            CoordinatorMessage message;
            try
            {
                message = await coordinator.ReadAsync(leaving.Token);
            }
            catch (OperationCanceledException) when (leaving.IsCancellationRequested)
            {
                return why();
            }

            if (message.BodyCase == CoordinatorMessage.BodyOneofCase.Shutdown)
                return message.Shutdown.Reason;
            Obey(message, coordinator);
            _served = _jobs.Count;
            Interlocked.MemoryBarrier();
            if (_draining && _served == 0)
                await leaving.CancelAsync();
        }
    }

    private void Obey(CoordinatorMessage message, CoordinatorConnection coordinator)
    {
        if (message.JobScope is not { } scope)
            return;
        if (!_fences.Admit(scope))
        {
            parts.Logger.DroppedStale(message.BodyCase.ToString(), scope.Job, _fences.StaleDropped);
            return;
        }

        if (message.BodyCase == CoordinatorMessage.BodyOneofCase.Release)
            Release(scope.Job, served => served.ReleaseAsync());
        else if (ServedBy(message, scope) is { } job)
        {
            parts.Outbox.Fence(scope.Job, scope.Fence);
            job.Handle(message, coordinator.Shards);
        }

        if (!_jobs.ContainsKey(scope.Job))
            _fences.Release(scope.Job);
    }

    // A job begins with the loading of its stage, or with the question what this worker holds of it.
    private ServedJob? ServedBy(CoordinatorMessage message, JobScope scope)
    {
        if (!_jobs.TryGetValue(scope.Job, out var job) && message.BodyCase is CoordinatorMessage.BodyOneofCase.LoadStage or CoordinatorMessage.BodyOneofCase.Join)
            _jobs.Add(scope.Job, job = new ServedJob(scope, parts, _releases.GetValueOrDefault(scope.Job, Task.CompletedTask)));
        return job;
    }

    // A job ends when its kernel does: the stream is read on meanwhile.
    private void Release(string job, Func<ServedJob, ValueTask> end)
    {
        foreach (var (name, _) in _releases.Where(release => release.Value.IsCompleted).ToArray())
            _releases.Remove(name);
        if (!_jobs.Remove(job, out var served))
            return;
        parts.Outbox.Unfence(job);
        var idle = _jobs.Count == 0;
        _releases[job] = Task.Run(() => ReleaseAsync(job, () => end(served), idle));
    }

    private async Task ReleaseAsync(string job, Func<ValueTask> end, bool idle)
    {
        try
        {
            await end();
            parts.Outbox.Forget(job);
            if (idle)
                parts.Activity.WaitsFor("idle");
            parts.Logger.JobReleased(job);
        }
#pragma warning disable CA1031 // Whatever it is, other jobs and the end of the process go on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            parts.Logger.ReleaseFailed(e, job);
        }
    }

    private async Task SendOutboxAsync(CoordinatorConnection coordinator, CancellationToken done)
    {
        long position = 0;
        await SendWhileOpenAsync(async () =>
        {
            (position, var message) = await parts.Outbox.NextAsync(position, done);
            await coordinator.WriteAsync(message, done);
        });
    }

    private async Task SendHeartbeatsAsync(CoordinatorConnection coordinator, CancellationToken done)
    {
        var every = TimeSpan.FromSeconds(Math.Clamp(coordinator.Accepted.HeartbeatSeconds, 0.05, 60));
        await SendWhileOpenAsync(async () =>
        {
            var activity = parts.Activity.Read();
            var heartbeat = new Heartbeat
            {
                Worker = parts.Self,
                Progress = activity.Progress,
                Activity = activity.Text,
                Waits = activity.Waits,
                StuckAfterSeconds = activity.StuckAfter.TotalSeconds,
                ResidentBytes = ProcessMemory.ResidentBytes,
            };
            await coordinator.WriteAsync(new WorkerMessage { Heartbeat = heartbeat }, done);
            await Task.Delay(every, done);
        });
    }

    private static async Task SendWhileOpenAsync(Func<Task> send)
    {
        try
        {
            while (true)
                await send();
        }
        catch (Exception e) when (e is StreamBrokenException or OperationCanceledException)
        {
            // The reading side says so.
        }
    }
}
