namespace Orchestrator.Worker.Transfer;

/// <summary>A peer holds another vote or verdict of this worker on the same step: the same question was answered in two ways.</summary>
/// <param name="what">"vote" or "verdict".</param>
/// <param name="step">The step.</param>
/// <param name="inner">The peer's refusal.</param>
internal sealed class ContradictionException(string what, ulong step, Exception inner) : Exception($"another {what} on step {step} was sent before", inner)
{
    public string What => what;

    public ulong Step => step;
}
