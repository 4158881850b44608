using Orchestrator.Worker.Adapters;

namespace Orchestrator.Worker.Mirrors;

/// <summary>Keeps the state after each step out of this process as well: it is handed over while the next step computes.</summary>
/// <remarks>
/// <see cref="Begin"/> and <see cref="Await"/> on the compute thread, in turns: a state is handed over after the one before has arrived, for nobody votes on N + 1
/// before its N is mirrored. What is handed over is the history's, pinned for as long as it is read.
/// </remarks>
internal abstract class StateMirror(AdapterHistory history)
{
    private (ulong Step, Task Arrived)? _handing;
    private volatile Task? _reading;

    /// <summary>The worker that mirrors the state, for messages; null: a file.</summary>
    public virtual uint? Partner => null;

    /// <summary>Nothing is being written here any more; what another worker has yet to say does not count.</summary>
    public Task Settled => _reading ?? Task.CompletedTask;

    /// <summary>Hands over the state after a step, which the history holds.</summary>
    public void Begin(ulong step)
    {
        var pin = history.Pin(step);
        // The outer task ends when all is read, the inner one when it has arrived.
        var reading = Task.Run(() => Task.FromResult(HandOverAsync(pin)));
        _reading = reading.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _handing = (step, ArrivedAsync(reading));
    }

    /// <summary>Waits until the state after a step has arrived.</summary>
    /// <exception cref="OperationCanceledException">The wait was given up.</exception>
    public void Await(ulong step, CancellationToken cancellationToken)
    {
        if (_handing is not { } handing || handing.Step != step)
            throw new InvalidOperationException($"the mirror of step {step} is waited for, but it was not handed over");
        handing.Arrived.WaitAsync(cancellationToken).GetAwaiter().GetResult();
    }

    private static async Task ArrivedAsync(Task<Task> reading) => await await reading;

    /// <summary>Ends when the state has arrived; releases the pin as soon as it is read.</summary>
    protected abstract Task HandOverAsync(SnapshotPin pin);
}
