using Orchestrator.Protos;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Mirrors;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>A worker's part in one generation of a job, from StartGeneration until a newer one is joined.</summary>
/// <remarks>
/// <see cref="BreakOff"/> from any thread ends every wait and refuses what has not begun; a kernel finishes first. Whoever owns this waits for the compute thread
/// before it is disposed.
/// </remarks>
internal sealed class RunningGeneration : IAsyncDisposable
{
    private readonly CancellationTokenSource _ended;
    private int _troubled;

    /// <param name="scope">Job, generation and fence.</param>
    /// <param name="rank">This worker's, those behind the layout included.</param>
    /// <param name="peers">All workers, by rank.</param>
    /// <param name="jobEnded">The end of the job's part here.</param>
    public RunningGeneration(JobScope scope, uint rank, IReadOnlyList<Peer> peers, CancellationToken jobEnded)
    {
        (Scope, Rank, Peers) = (scope, rank, peers);
        _ended = CancellationTokenSource.CreateLinkedTokenSource(jobEnded);
        Ended = _ended.Token;
        Windows = new OpenedWindows(scope.Job, scope.Generation);
    }

    public JobScope Scope { get; }

    public uint Rank { get; }

    public IReadOnlyList<Peer> Peers { get; }

    /// <summary>It was broken off, or the job's part here has ended.</summary>
    public CancellationToken Ended { get; }

    /// <summary>The way to the others.</summary>
    public required GrpcPeerLink Link { get; init; }

    /// <summary>Runs windows; null as long as the state is not here, and on a worker that only gives.</summary>
    public StageExecutor? Executor { get; set; }

    /// <summary>How far windows may go; there with the executor.</summary>
    public StepGate? Gate { get; set; }

    /// <summary>Writes states that are to be saved; there with the executor.</summary>
    public CheckpointWriter? Checkpoints { get; set; }

    /// <summary>Keeps states out of this process as well.</summary>
    public StateMirror? Mirror { get; set; }

    public OpenedWindows Windows { get; }

    /// <summary>Whether this is the first trouble with a peer: one is told, the others follow from it.</summary>
    public bool IsFirstTrouble() => Interlocked.Exchange(ref _troubled, 1) == 0;

    /// <summary>Ends every wait; what follows from that does so on other threads.</summary>
    public void BreakOff() => _ = _ended.CancelAsync();

    /// <summary>Everything that was begun beside the compute thread is done: states are written, the link is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        await Link.DisposeAsync();
        if (Checkpoints is not null)
            await Checkpoints.Written;
        if (Mirror is not null)
            await Mirror.Settled;
        Checkpoints?.Dispose();
        Gate?.Dispose();
        _ended.Dispose();
    }
}
