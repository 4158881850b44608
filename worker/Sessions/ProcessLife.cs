using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Sessions;

/// <summary>What ends a worker process from outside: SIGTERM, SIGINT, or its owner's pipe.</summary>
/// <remarks>
/// All three ask for a clean end; when that takes longer than its patience (a kernel cannot be interrupted), the process ends anyway. An owned
/// worker ignores SIGINT: a terminal sends it to all processes, and the owner decides what it means.
/// </remarks>
internal sealed class ProcessLife : IDisposable
{
    private static readonly TimeSpan PatienceAfterSignal = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PatienceAfterOwner = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _ending = new();
    private readonly List<PosixSignalRegistration> _signals = [];

    public ProcessLife(bool owned)
    {
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, PatienceAfterSignal)));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            if (owned)
                context.Cancel = true;
            else
                End(context, PatienceAfterSignal);
        }));
        if (owned)
            new Thread(WatchOwner) { IsBackground = true, Name = "owner" }.Start();
    }

    /// <summary>Cancelled when the process should end.</summary>
    public CancellationToken Ending => _ending.Token;

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
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

        End(null, PatienceAfterOwner);
    }

    private void End(PosixSignalContext? signal, TimeSpan patience)
    {
        if (signal is not null)
            signal.Cancel = true;
        new Thread(() =>
        {
            Thread.Sleep(patience);
            Environment.Exit(0);
        })
        { IsBackground = true, Name = "patience" }.Start();
        try
        {
            _ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It is ending already.
        }
    }
}
