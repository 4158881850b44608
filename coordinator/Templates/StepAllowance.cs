namespace Orchestrator.Coordinator.Templates;

/// <summary>Steps that several renderings may take together: each for itself is within its limits, but there may be very many.</summary>
/// <remarks>For one thread.</remarks>
/// <param name="steps">How many there are.</param>
internal sealed class StepAllowance(long steps)
{
    /// <summary>What was taken; a rendering that is over the allowance may go beyond it by its last step.</summary>
    public long Taken { get; private set; }

    /// <summary>Nothing is left.</summary>
    public bool IsSpent => Taken >= steps;

    /// <summary>The limits of the next rendering.</summary>
    public TemplateLimits Within(TemplateLimits limits) => limits with { Steps = Math.Clamp(steps - Taken, 0, limits.Steps) };

    public void Take(long count) => Taken += count;
}
