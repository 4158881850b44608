using Orchestrator.Protos;

namespace Orchestrator.Worker.Commit;

/// <summary>The verdicts that a worker knows: of its last two steps, and of the one after them if it was decided before the worker could act on it.</summary>
/// <remarks>A verdict binds whoever repeats the step, so it outlives its generation. Without losses: those are in the reports. Thread-safe.</remarks>
internal sealed class KnownVerdicts
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<ulong, StepVerdict> _verdicts = [];

    /// <summary>The verdicts, by step.</summary>
    public IReadOnlyList<StepVerdict> All
    {
        get
        {
            lock (_gate)
                return [.. _verdicts.Values];
        }
    }

    /// <summary>A step's verdict has become known here.</summary>
    public void Learn(StepVerdict verdict)
    {
        if (verdict.Evaluation)
            return;
        lock (_gate)
        {
            _verdicts[verdict.Step] = new StepVerdict { Scope = verdict.Scope, Step = verdict.Step, Apply = verdict.Apply, GradNorm = verdict.GradNorm };
            // After going back, what is far ahead is of a course that was given up; whoever was told of it remembers it.
            foreach (var other in _verdicts.Keys.Where(other => other + StateHistory.Kept < verdict.Step || other > verdict.Step + 1).ToArray())
                _verdicts.Remove(other);
        }
    }
}
