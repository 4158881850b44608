using System.Collections.Immutable;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>A worker's way through the generations of a job: joining one, being in it, leaving it for the next.</summary>
/// <remarks>
/// <code>
/// none ──JoinGeneration g──> joined g ──StartGeneration g──> in g ──JoinGeneration g+1──> joined g+1 ...
///   └────────────StartGeneration g, after LoadStage──────────────┘
/// </code>
/// Called by the job's command loop alone, but for <see cref="BreakOffBefore"/>, which may come from any thread while the loop waits in here.
/// </remarks>
/// <param name="job">The job.</param>
/// <param name="holdings">What this worker holds of it.</param>
/// <param name="parts">What jobs share.</param>
/// <param name="computing">What the compute thread does for the job now.</param>
/// <param name="failed">Ends the job here.</param>
/// <param name="ended">The end of the job's part here.</param>
internal sealed class JobMembership(string job, JobHoldings holdings, WorkerParts parts, Func<Task> computing, Action<Exception> failed, CancellationToken ended)
{
    private readonly Lock _gate = new();
    private RunningGeneration? _running;
    private GenerationJoined? _joined;
    private ulong _least;

    /// <summary>The generation that this worker is in; null: it is between two.</summary>
    public RunningGeneration? Current
    {
        get
        {
            lock (_gate)
                return _running is { Ended.IsCancellationRequested: false } running ? running : null;
        }
    }

    /// <summary>Ends at once whatever waits in a generation before this one.</summary>
    public void BreakOffBefore(ulong generation)
    {
        lock (_gate)
        {
            _least = Math.Max(_least, generation);
            if (_running is { } running && running.Scope.Generation < generation)
                running.BreakOff();
        }
    }

    /// <summary>Leaves the older generation and says what this worker holds; asked again, the answer is the same.</summary>
    public async Task JoinAsync(JoinGeneration command)
    {
        var scope = command.Scope;
        if (_joined?.Scope.Generation != scope.Generation)
        {
            if (_running?.Scope.Generation == scope.Generation)
                return;
            await EndAsync();
            parts.Peers.Access.Await(job, scope.Generation);
            parts.Peers.Tensors.Open(job, scope.Generation, default);
            parts.Peers.Agreements.Open(job, scope.Generation);
            parts.Outbox.PeersAreBack(job, scope.Generation);
            _joined = await Task.Run(() => holdings.Join(scope), ended);
            parts.Logger.GenerationJoined(job, scope.Generation, _joined.ActedStep, _joined.States.Count);
            parts.Activity.WaitsFor($"generation {scope.Generation}: waits for its start");
        }

        parts.Outbox.Post(new WorkerMessage { Joined = _joined });
    }

    /// <summary>Takes part in a generation, as a place of its layout or only to hand states over.</summary>
    public async Task StartAsync(StartGeneration command)
    {
        var generation = command.Scope.Generation;
        if (_running?.Scope.Generation >= generation)
            return;
        await EndAsync();
        if (Enter(command) is not { } running)
            return;
        try
        {
            var start = new GenerationStart(holdings, parts, running, failed, ended);
            await Task.Run(() => start.Give(command), running.Ended);
            if (PlaceRule.HasAPlace(command, running.Rank))
                await start.BeginAsync(command);
            else
                parts.Activity.WaitsFor($"generation {generation}: has no place in it, waits for its release");
        }
        catch (OperationCanceledException) when (running.Ended.IsCancellationRequested && !ended.IsCancellationRequested)
        {
            // A newer generation is being made.
        }
    }

    /// <summary>What is to run for a window; null: it is another generation's, or was opened before.</summary>
    public Action? Opens(StepWindow window)
    {
        if (Current is not { Executor: not null } running || !running.Windows.Open(window, parts.Outbox))
            return null;
        return () => Run(running, window);
    }

    /// <summary>Leaves the generation that this worker is in: what it does there has ended when this returns.</summary>
    public async Task EndAsync()
    {
        if (_running is not { } running)
            return;
        lock (_gate)
            _running = null;
        running.BreakOff();
        await computing().ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (running.Executor?.Phases.Text() is { } phases)
            parts.Logger.StepPhases(job, running.Scope.Generation, phases);
        await parts.Runtime.Compute.Run(() => running.Executor?.Dispose());
        await running.DisposeAsync();
    }

    private RunningGeneration? Enter(StartGeneration command)
    {
        var scope = command.Scope;
        var peers = command.Peers.OrderBy(peer => peer.Rank).ToImmutableArray();
        var self = peers.FirstOrDefault(peer => peer.Worker.Equals(parts.Self))
            ?? throw new InvalidOperationException($"{parts.Self.WorkerId} is none of the {peers.Length} workers of the generation that it is to start");
        var secret = command.Secret.ToByteArray();
        var hasAPlace = PlaceRule.HasAPlace(command, self.Rank);
        if (hasAPlace)
            PlaceRule.Check(holdings.Assets?.Spec, command, self.Rank);
        RunningGeneration? running = null;
        var identity = new PeerIdentity(job, scope.Generation, self.Rank);
        running = new RunningGeneration(scope, self.Rank, peers, ended)
        {
            Link = new GrpcPeerLink(identity, secret, peers, (peer, e) => Troubled(running!, peer, e)),
        };
        var limits = holdings.Assets is { } assets ? GenerationStart.LimitsOf(assets) : default;
        holdings.Mirrors.Open(scope.Generation, command.Mirror && hasAPlace ? MirroredBy(running) : null, limits.StateBytes);
        parts.Peers.Tensors.Open(job, scope.Generation, limits, holdings.Mirrors);
        parts.Peers.Agreements.Open(job, scope.Generation);
        parts.Peers.Access.Open(identity, peers.Length, secret);
        parts.Logger.GenerationStarts(job, scope.Generation, peers.Length);
        lock (_gate)
        {
            _running = running;
            if (_least > scope.Generation)
                running.BreakOff();
        }

        return running;
    }

    private uint? MirroredBy(RunningGeneration running)
    {
        var spec = holdings.Assets!.Spec;
        return MirrorRule.MirroredBy(running.Rank, (int)spec.NumReplicas, (int)spec.NumStages);
    }

    private void Run(RunningGeneration running, StepWindow window)
    {
        var gate = running.Gate!;
        try
        {
            running.Executor!.RunWindow(window, gate, step => Acted(running, step, window.CheckpointFolder));
        }
        catch (OperationCanceledException) when (running.Ended.IsCancellationRequested)
        {
            // Broken off by a newer generation, or the job's end.
        }
        catch (OperationCanceledException) when (gate.IsClosed)
        {
            parts.Activity.WaitsFor("holds, as it was told");
        }
    }

    private void Acted(RunningGeneration running, Step step, string folder)
    {
        holdings.Acted(running.Scope.Generation);
        if (step.SaveAfter && folder.Length > 0)
            running.Checkpoints!.Take(step.Number, CheckpointFolders.Of(folder, step.Number));
    }

    private void Troubled(RunningGeneration running, uint rank, Exception trouble)
    {
        // Who has joined a newer generation refuses the older one: this worker will be told of it, too.
        if (running.Ended.IsCancellationRequested || (trouble is RpcException refusal && PeerAccess.HasEnded(refusal)))
            return;
        var failure = PeerTrouble.Of(trouble, parts.Self.WorkerId, holdings.Assets?.Spec.Place.Stage ?? 0, running.Peers[(int)rank].Worker.WorkerId, rank);
        if (failure is not PeerLostException)
        {
            failed(failure);
            return;
        }

        if (!running.IsFirstTrouble())
            return;
        // The worker holds where it is: who is lost is the coordinator's to find out, and then there is a newer generation.
        var told = FailureSentences.Of(failure);
        parts.Logger.PeerUnreachable(failure, job, told.Message);
        parts.Outbox.Post(new WorkerMessage { Failure = new WorkerFailure { Scope = running.Scope, Failure = told, Peer = running.Peers[(int)rank].Worker } });
    }
}
