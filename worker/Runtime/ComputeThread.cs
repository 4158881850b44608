using System.Collections.Concurrent;

namespace Orchestrator.Worker.Runtime;

/// <summary>A thread on which tensors are made, used and disposed: a worker has one, and its stage one more a lane where micro-batches run side by side.</summary>
/// <remarks>
/// Work runs in the order it was handed over, one at a time, and never awaits inside: TorchSharp's dispose scopes and OpenMP's
/// teams belong to a thread. Any thread may call <see cref="Run{T}"/>; results and exceptions flow back through the task, whose
/// continuations run elsewhere. Dispose lets the work that was handed over finish.
/// </remarks>
internal sealed class ComputeThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;
    private int _disposed;

    /// <param name="initialize">Runs first on the thread, e.g. <see cref="NumericEnvironment.ApplyToCurrentThread"/>.</param>
    /// <param name="name">The thread's name in dumps and traces.</param>
    public ComputeThread(Action? initialize = null, string name = "compute")
    {
        if (initialize is not null)
            _work.Add(initialize);
        _thread = new Thread(Loop, maxStackSize: 16 * 1024 * 1024) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Whether the caller is on this thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Runs <paramref name="work"/> on the compute thread; on that thread itself it runs at once.</summary>
    /// <param name="work">Synchronous work.</param>
    /// <param name="cancellationToken">Cancels work that has not begun.</param>
    public Task<T> Run<T>(Func<T> work, CancellationToken cancellationToken = default)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (IsCurrent)
            Execute(work, completion, cancellationToken);
        else
            _work.Add(() => Execute(work, completion, cancellationToken), CancellationToken.None);
        return completion.Task;
    }

    /// <inheritdoc cref="Run{T}"/>
    public Task Run(Action work, CancellationToken cancellationToken = default) => Run(
        () =>
        {
            work();
            return true;
        },
        cancellationToken);

    /// <summary>Lets what was handed over finish and ends the thread.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _work.CompleteAdding();
        if (!IsCurrent)
        {
            _thread.Join();
            _work.Dispose();
        }
    }

    private static void Execute<T>(Func<T> work, TaskCompletionSource<T> completion, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            completion.TrySetCanceled(cancellationToken);
            return;
        }

        try
        {
            completion.TrySetResult(work());
        }
        catch (OperationCanceledException e) when (e.CancellationToken == cancellationToken)
        {
            completion.TrySetCanceled(cancellationToken);
        }
#pragma warning disable CA1031 // Whatever the work throws belongs to who asked for it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            completion.TrySetException(e);
        }
    }

    private void Loop()
    {
        foreach (var work in _work.GetConsumingEnumerable())
            work();
    }
}
