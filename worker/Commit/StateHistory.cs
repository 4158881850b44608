namespace Orchestrator.Worker.Commit;

/// <summary>Of which steps a worker holds the states: the last two that it acted on.</summary>
/// <remarks>Two, because acted steps differ by at most one: whoever is further can go back to where the others are. Pure.</remarks>
internal sealed class StateHistory
{
    /// <summary>How many states are held.</summary>
    public const int Kept = 2;

    private readonly List<ulong> _steps = [];

    /// <summary>The steps, the oldest first.</summary>
    public IReadOnlyList<ulong> Steps => _steps;

    /// <summary>A step was acted on, and its state is held from now on.</summary>
    /// <returns>The step whose state is held no longer; null: none.</returns>
    /// <exception cref="InvalidOperationException">It is not the next one.</exception>
    public ulong? Keep(ulong step)
    {
        if (_steps.Count > 0 && step != _steps[^1] + 1)
            throw new InvalidOperationException($"the state after step {step} is kept where that after step {_steps[^1] + 1} was due");
        _steps.Add(step);
        if (_steps.Count <= Kept)
            return null;
        var oldest = _steps[0];
        _steps.RemoveAt(0);
        return oldest;
    }

    /// <summary>Goes back to a step: the states of later ones are given up.</summary>
    /// <returns>The steps that were given up; null: the step is not held, and nothing has changed.</returns>
    public IReadOnlyList<ulong>? BackTo(ulong step)
    {
        if (!_steps.Contains(step))
            return null;
        ulong[] later = [.. _steps.Where(held => held > step)];
        _steps.RemoveAll(held => held > step);
        return later;
    }
}
