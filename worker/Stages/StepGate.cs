namespace Orchestrator.Worker.Stages;

/// <summary>How far a worker may go in a generation: open until it is told to hold.</summary>
/// <remarks>
/// The compute thread passes it at each step and evaluation, commands come on another thread. The first worker of a generation holds where it is (<see cref="Hold"/>);
/// the others, which may wait in the step after that for a verdict that never comes, are told the step (<see cref="HoldAfter"/>). Once closed it stays closed.
/// </remarks>
/// <param name="actedStep">The newest step that was acted on.</param>
/// <param name="ended">The end of the job's part here.</param>
internal sealed class StepGate(ulong actedStep, CancellationToken ended) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _interrupt = CancellationTokenSource.CreateLinkedTokenSource(ended);
    private ulong _step = actedStep;
    private bool _evaluates;
    private ulong? _last;

    /// <summary>Ends what is under way and lies behind the step to hold after.</summary>
    public CancellationToken Token => _interrupt.Token;

    /// <summary>It was told to hold.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _last is not null;
        }
    }

    /// <summary>Whether the step may begin; it is under way then.</summary>
    public bool Begin(ulong step)
    {
        lock (_gate)
        {
            if (step > _last)
                return false;
            (_step, _evaluates) = (step, false);
            return true;
        }
    }

    /// <summary>Whether an evaluation after a step may begin: it is left out where the worker is to hold there.</summary>
    public bool BeginEvaluation(ulong step)
    {
        lock (_gate)
        {
            if (step >= _last)
                return false;
            (_step, _evaluates) = (step, true);
            return true;
        }
    }

    /// <summary>Holds after the step that is under way, or the newest one; an evaluation is broken off.</summary>
    public void Hold() => Close(step => step);

    /// <summary>Holds after this step.</summary>
    public void HoldAfter(ulong last) => Close(_ => last);

    public void Dispose() => _interrupt.Dispose();

    private void Close(Func<ulong, ulong> after)
    {
        bool behind;
        lock (_gate)
        {
            _last ??= after(_step);
            behind = _step > _last || (_step == _last && _evaluates);
        }

        if (behind)
            _interrupt.Cancel();
    }
}
