using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Sessions;

/// <summary>What ends a worker process from outside: SIGTERM, SIGINT, or its owner's pipe.</summary>
/// <remarks>
/// SIGTERM, which a preemption notice is, too, asks the worker to drain: to leave once its jobs have let it go, at once if it has none, and to end anyway after
/// <see cref="DrainPatience"/> or with a second signal. The others ask for a clean end now. When that takes longer than its patience (a kernel cannot be interrupted), the process
/// ends anyway, with the same exit code. An owned worker ignores SIGINT: a terminal sends it to all processes, and the owner decides what it means.
/// </remarks>
internal sealed partial class ProcessLife : IDisposable
{
    /// <summary>How long jobs have to let a draining worker go: less than the 30 s after which Kubernetes kills it.</summary>
    public static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(25);

    private static readonly TimeSpan PatienceAfterSignal = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PatienceAfterOwner = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly List<PosixSignalRegistration> _signals = [];
    private volatile string _reason = "it was told to end.";

    public ProcessLife(bool owned)
    {
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Drain(context, "it was told to end by SIGTERM.")));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            if (owned)
                context.Cancel = true;
            else
                End(context, "it was told to end by SIGINT.", PatienceAfterSignal);
        }));
        if (owned)
            new Thread(WatchOwner) { IsBackground = true, Name = "owner" }.Start();
    }

    /// <summary>Cancelled when the process should end as soon as its jobs let it go.</summary>
    public CancellationToken Draining => _draining.Token;

    /// <summary>Cancelled when the process should end.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Why it should: completes "worker-2 left: ...".</summary>
    public string Reason => _reason;

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        _draining.Dispose();
        _ending.Dispose();
    }

    private void WatchOwner()
    {
        using var input = Console.OpenStandardInput();
        var buffer = new byte[256];
        try
        {
            while (input.Read(buffer) > 0)
            {
                // The owner says nothing; the pipe's end says all.
            }
        }
        catch (IOException)
        {
            // A broken pipe has ended, too.
        }

        End(null, "its owner ended or let it go.", PatienceAfterOwner);
    }

    private void Drain(PosixSignalContext signal, string reason)
    {
        signal.Cancel = true;
        if (_draining.IsCancellationRequested)
        {
            End(signal, reason, PatienceAfterSignal);
            return;
        }

        _reason = reason;
        new Thread(() =>
        {
            Thread.Sleep(DrainPatience);
            End(null, reason, PatienceAfterSignal);
        })
        { IsBackground = true, Name = "drain" }.Start();
        try
        {
            _draining.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It is ending already.
        }
    }

    private void End(PosixSignalContext? signal, string reason, TimeSpan patience)
    {
        if (signal is not null)
            signal.Cancel = true;
        new Thread(() =>
        {
            Thread.Sleep(patience);
            ExitAtOnce(0);
        })
        { IsBackground = true, Name = "patience" }.Start();
        _reason = reason;
        try
        {
            _ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It is ending already.
        }
    }

    // No destructor of a library runs under the threads that still compute in it: that would end in a core dump.
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitAtOnce(int code);
}
