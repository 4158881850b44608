using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>One worker that serves one job, reached by others over gRPC, commanded by the test in a coordinator's place.</summary>
internal sealed class ServedWorker : IAsyncDisposable
{
    // A runtime is a thread: they are used again.
    private static readonly ConcurrentBag<WorkerRuntime> Runtimes = [];

    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    private readonly ConcurrentQueue<WorkerMessage> _heard = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly WorkerRuntime _runtime;
    private readonly ServedJob _job;
    private readonly Task _reading;
    private bool _released;

    private ServedWorker(string name, ulong incarnation, string job, string cache, WorkerRuntime runtime, PeerServer peers)
    {
        (_runtime, Peers) = (runtime, peers);
        Self = new WorkerIdentity { WorkerId = name, Incarnation = incarnation };
        var parts = new WorkerParts(Self, runtime, peers, new ShardStore(cache), Outbox, Activity, NullLogger.Instance, cache is null ? null : new BaseWeightCache(cache), cache);
        _job = new ServedJob(new JobScope { Job = job, Generation = 1, Fence = 1 }, parts, Task.CompletedTask);
        _reading = Task.Run(ReadAsync);
    }

    public WorkerIdentity Self { get; }

    public PeerServer Peers { get; }

    public WorkerRuntime Runtime => _runtime;

    public Outbox Outbox { get; } = new();

    public StageActivity Activity { get; } = new();

    /// <summary>Everything that it told, in order.</summary>
    public IEnumerable<WorkerMessage> Heard => _heard;

    public IEnumerable<StepReport> Steps => _heard.Where(message => message.Step is not null).Select(message => message.Step);

    public static async Task<ServedWorker> StartAsync(string name, string job, string cache, ulong incarnation = 1)
    {
        var runtime = Runtimes.TryTake(out var used) ? used : WorkerRuntime.Start(new RuntimeOptions(Threads: NumericEnvironment.Threads));
        return new ServedWorker(name, incarnation, job, cache, runtime, await PeerServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), null, TestContext.Current.CancellationToken));
    }

    public void Tell(CoordinatorMessage command) => _job.Handle(command, new ShardOrigin(Nowhere, ""));

    /// <summary>Waits for a message; one that has come counts.</summary>
    public async Task<WorkerMessage> HearAsync(Func<WorkerMessage, bool> which)
    {
        await UntilAsync(() => _heard.Any(which));
        return _heard.First(which);
    }

    /// <summary>Waits until the worker says that it waits for this.</summary>
    public Task WaitsForAsync(string what) => UntilAsync(() => Activity.Text.Contains(what, StringComparison.Ordinal));

    /// <summary>The job has ended: what outlives the process goes with it.</summary>
    public async Task ReleaseAsync()
    {
        _released = true;
        await _job.ReleaseAsync();
    }

    /// <summary>Ends at once, as a process does that is lost.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_released)
            await _job.DisposeAsync();
        await _ended.CancelAsync();
        await _reading;
        await Peers.DisposeAsync();
        _ended.Dispose();
        Runtimes.Add(_runtime);
    }

    private async Task UntilAsync(Func<bool> happened)
    {
        for (var i = 0; i < 6000; i++)
        {
            if (happened())
                return;
            if (_heard.FirstOrDefault(message => message.Failure is { Failure.Code: not ErrorCode.PeerUnreachable }) is { } failed)
                throw new InvalidOperationException($"{Self.WorkerId}: {failed.Failure.Failure.Message}");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException($"{Self.WorkerId}: {Activity.Text}; told {string.Join(", ", _heard.Select(message => message.BodyCase))}");
    }

    private async Task ReadAsync()
    {
        long position = 0;
        try
        {
            while (true)
            {
                (position, var message) = await Outbox.NextAsync(position, _ended.Token);
                _heard.Enqueue(message);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
