using System.Runtime.InteropServices;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Ctrl-C and its like: the first asks for an end after the current step, the second for one at once.</summary>
/// <remarks>SIGINT, SIGTERM and SIGHUP count alike. Signals are handled as long as the object lives.</remarks>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _now = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _count;

    private Interrupts()
    {
    }

    /// <summary>The first signal came.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The second signal came.</summary>
    public CancellationToken Now => _now.Token;

    public static Interrupts Listen()
    {
        var interrupts = new Interrupts();
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
        {
            interrupts._registrations.Add(PosixSignalRegistration.Create(signal, interrupts.Count));
        }

        return interrupts;
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
        _now.Dispose();
    }

    private void Count(PosixSignalContext context)
    {
        context.Cancel = true;
        try
        {
            (Interlocked.Increment(ref _count) == 1 ? _stop : _now).Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The command ended in the same moment.
        }
    }
}
