using System.Runtime.ExceptionServices;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Stages;

/// <summary>Threads that compute micro-batches side by side; with one lane the caller computes them.</summary>
/// <remarks>Called from one thread at a time, the compute thread, which waits meanwhile: tensors of a micro-batch belong to its lane until it is done.</remarks>
internal sealed class MicroBatchLanes : IDisposable
{
    private readonly ComputeThread[] _threads;

    /// <param name="lanes">How many at once, at least 1.</param>
    public MicroBatchLanes(int lanes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lanes, 1);
        _threads = lanes == 1 ? [] : [.. Enumerable.Range(0, lanes).Select(lane => new ComputeThread(name: $"compute {lane}"))];
    }

    /// <summary>How many at once.</summary>
    public int Count => Math.Max(1, _threads.Length);

    /// <summary>Calls <paramref name="body"/> once with each of 0 to <paramref name="items"/> - 1, begun in this order, and <paramref name="done"/> with each that is done, in this order, on the calling thread.</summary>
    /// <remarks>Ends when no lane computes any more, by an exception too: the first one, after which no further item is begun.</remarks>
    public void Run(int items, Action<int> body, Action<int> done)
    {
        if (_threads.Length == 0 || items == 1)
        {
            for (var i = 0; i < items; i++)
            {
                body(i);
                done(i);
            }

            return;
        }

        var work = new Work(items, body);
        Task[] running = [.. _threads.Take(items).Select(thread => thread.Run(work.TakeItems))];
        try
        {
            for (var i = 0; i < items && work.WaitFor(i); i++)
                done(i);
        }
        finally
        {
            work.Stop();
            Task.WaitAll(running);
        }

        work.Failure?.Throw();
    }

    public void Dispose()
    {
        foreach (var thread in _threads)
            thread.Dispose();
    }

    private sealed class Work(int items, Action<int> body)
    {
        private readonly object _gate = new();
        private readonly bool[] _done = new bool[items];
        private int _next;

        public ExceptionDispatchInfo? Failure { get; private set; }

        public void TakeItems()
        {
            while (Take() is { } item)
            {
                try
                {
                    body(item);
                    Change(() => _done[item] = true);
                }
#pragma warning disable CA1031 // The caller's thread throws it.
                catch (Exception failure)
#pragma warning restore CA1031
                {
                    var first = ExceptionDispatchInfo.Capture(failure);
                    Change(() => (Failure, _next) = (Failure ?? first, items));
                }
            }
        }

        /// <summary>Waits for an item; false: it will not come.</summary>
        public bool WaitFor(int item)
        {
            lock (_gate)
            {
                while (!_done[item] && Failure is null)
                    Monitor.Wait(_gate);
                return _done[item];
            }
        }

        public void Stop() => Change(() => _next = items);

        private int? Take()
        {
            lock (_gate)
                return _next < items ? _next++ : null;
        }

        private void Change(Action change)
        {
            lock (_gate)
            {
                change();
                Monitor.PulseAll(_gate);
            }
        }
    }
}
