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
///  refused                Shutdown, cancelled
///     └─────→ ended ←─────────┘
/// </code>
/// One a process. Commands are handled in the order in which they come; those of an older fence or generation are dropped and counted.
/// </remarks>
internal sealed class WorkerSession(WorkerOptions options, WorkerParts parts)
{
    private const string AttachMethod = "orchestrator.v1.WorkerAttachment/Attach";

    private readonly AttachToken _token = new(options.JoinToken);
    private readonly JobFences _fences = new();
    private readonly Dictionary<string, ServedJob> _jobs = new(StringComparer.Ordinal);
    private int _next;

    /// <summary>Runs until a coordinator shuts the worker down or <paramref name="cancellationToken"/> ends it.</summary>
    /// <exception cref="AttachRefusedException">No coordinator wants this worker.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var shutDown = false;
            while (!shutDown)
            {
                using var coordinator = await ResiliencePipelines.For(AttachMethod).ExecuteAsync(AttachAsync, cancellationToken);
                parts.Logger.Attached(coordinator.Address);
                shutDown = await ServeAsync(coordinator, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            parts.Logger.Ending("told to end");
        }
        finally
        {
            foreach (var job in _jobs.Values)
                await job.DisposeAsync();
        }
    }

    // Each try goes to the next coordinator.
    private async ValueTask<CoordinatorConnection> AttachAsync(CancellationToken cancellationToken)
    {
        var coordinator = options.Coordinators[_next++ % options.Coordinators.Count];
        try
        {
            var connection = await CoordinatorConnection.OpenAsync(coordinator, Request(), cancellationToken);
            _token.Accepted(connection.Accepted.Credential);
            return connection;
        }
        catch (AttachRefusedException refused) when (_token.Refused(refused.Code))
        {
            return await AttachAsync(cancellationToken);
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

    // True: the coordinator shut this worker down; false: the stream broke.
    private async Task<bool> ServeAsync(CoordinatorConnection coordinator, CancellationToken cancellationToken)
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var writing = new SemaphoreSlim(1);
        Task[] senders = [SendOutboxAsync(coordinator, writing, broken), SendHeartbeatsAsync(coordinator, writing, broken)];
        try
        {
            while (await coordinator.Call.ResponseStream.MoveNext(broken.Token))
            {
                if (!await ObeyAsync(coordinator.Call.ResponseStream.Current, coordinator))
                    return true;
            }

            parts.Logger.StreamBroke(coordinator.Address, "it was closed");
        }
        catch (Exception e) when (IsBroken(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            parts.Logger.StreamBroke(coordinator.Address, e.Message);
        }
        finally
        {
            await broken.CancelAsync();
            await Task.WhenAll(senders);
        }

        return false;
    }

    private async Task<bool> ObeyAsync(CoordinatorMessage message, CoordinatorConnection coordinator)
    {
        if (message.BodyCase == CoordinatorMessage.BodyOneofCase.Shutdown)
        {
            parts.Logger.Ending(message.Shutdown.Reason);
            return false;
        }

        if (ScopeOf(message) is not { } scope)
            return true;
        if (!_fences.Admit(scope))
        {
            parts.Logger.DroppedStale(message.BodyCase.ToString(), scope.Job, _fences.StaleDropped);
            return true;
        }

        if (message.BodyCase == CoordinatorMessage.BodyOneofCase.Release)
            await ReleaseAsync(scope.Job);
        else if (_jobs.TryGetValue(scope.Job, out var job))
            job.Handle(message, coordinator);
        else if (message.BodyCase == CoordinatorMessage.BodyOneofCase.LoadStage)
            Serve(scope, message, coordinator);
        if (!_jobs.ContainsKey(scope.Job))
            _fences.Release(scope.Job);
        return true;
    }

    private void Serve(JobScope scope, CoordinatorMessage message, CoordinatorConnection coordinator)
    {
        var job = new ServedJob(scope, parts);
        _jobs.Add(scope.Job, job);
        job.Handle(message, coordinator);
    }

    private async Task ReleaseAsync(string job)
    {
        if (!_jobs.Remove(job, out var served))
            return;
        await served.DisposeAsync();
        parts.Outbox.Forget(job);
        parts.Activity.WaitsFor("idle");
        parts.Logger.JobReleased(job);
    }

    private async Task SendOutboxAsync(CoordinatorConnection coordinator, SemaphoreSlim writing, CancellationTokenSource broken)
    {
        long position = 0;
        await SendWhileOpenAsync(broken, async () =>
        {
            (position, var message) = await parts.Outbox.NextAsync(position, broken.Token);
            await WriteAsync(coordinator, writing, message, broken.Token);
        });
    }

    private async Task SendHeartbeatsAsync(CoordinatorConnection coordinator, SemaphoreSlim writing, CancellationTokenSource broken)
    {
        var every = TimeSpan.FromSeconds(Math.Clamp(coordinator.Accepted.HeartbeatSeconds, 0.05, 60));
        await SendWhileOpenAsync(broken, async () =>
        {
            var heartbeat = new Heartbeat
            {
                Worker = parts.Self,
                Progress = parts.Activity.Progress,
                Activity = parts.Activity.Text,
                ResidentBytes = ProcessMemory.ResidentBytes,
            };
            await WriteAsync(coordinator, writing, new WorkerMessage { Heartbeat = heartbeat }, broken.Token);
            await Task.Delay(every, broken.Token);
        });
    }

    private static async Task SendWhileOpenAsync(CancellationTokenSource broken, Func<Task> send)
    {
        try
        {
            while (true)
                await send();
        }
        catch (Exception e) when (IsBroken(e))
        {
            // The reading side says so.
            await broken.CancelAsync();
        }
    }

    private static async Task WriteAsync(CoordinatorConnection coordinator, SemaphoreSlim writing, WorkerMessage message, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            await coordinator.Call.RequestStream.WriteAsync(message, cancellationToken);
        }
        finally
        {
            writing.Release();
        }
    }

    private static bool IsBroken(Exception exception) => exception is RpcException or IOException or OperationCanceledException or InvalidOperationException;

    private static JobScope? ScopeOf(CoordinatorMessage message) => message.BodyCase switch
    {
        CoordinatorMessage.BodyOneofCase.LoadStage => message.LoadStage.Scope,
        CoordinatorMessage.BodyOneofCase.StartGeneration => message.StartGeneration.Scope,
        CoordinatorMessage.BodyOneofCase.Window => message.Window.Scope,
        CoordinatorMessage.BodyOneofCase.SaveState => message.SaveState.Scope,
        CoordinatorMessage.BodyOneofCase.Release => message.Release.Scope,
        CoordinatorMessage.BodyOneofCase.Score => message.Score.Scope,
        CoordinatorMessage.BodyOneofCase.Generate => message.Generate.Scope,
        CoordinatorMessage.BodyOneofCase.StopGenerating => message.StopGenerating.Scope,
        _ => null,
    };
}
