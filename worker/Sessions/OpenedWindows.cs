using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>The windows that were opened in one generation, and what they say of the reports before them. No clock, no tensors.</summary>
/// <param name="job">The job.</param>
/// <param name="generation">The generation.</param>
internal sealed class OpenedWindows(string job, ulong generation)
{
    private readonly HashSet<(bool Evaluates, ulong First)> _windows = [];
    private ulong _newest;

    /// <summary>Opens a window: what is committed by then need not be told any more.</summary>
    /// <returns>False: it is another generation's, or was opened before.</returns>
    public bool Open(StepWindow window, Outbox outbox)
    {
        var first = window.Steps.Count > 0 ? window.Steps[0].Number : window.EvaluateBeforeStep;
        if (window.Scope.Generation != generation || !_windows.Add((window.Steps.Count == 0, first)))
            return false;
        if (window.Steps.Count > 0)
            Committed(first, outbox);
        return true;
    }

    // A window is opened when half of the one before it is committed, and with that everything before that one; the first of a generation when everything before it is.
    private void Committed(ulong first, Outbox outbox)
    {
        if (_newest == 0)
        {
            outbox.Committed(job, first);
            outbox.EndOlder(job, generation);
        }
        else
        {
            outbox.Committed(job, _newest);
        }

        _newest = first;
    }
}
