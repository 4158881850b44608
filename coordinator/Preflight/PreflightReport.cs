using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>What a job's data came to, and what a person should know before a worker is taken.</summary>
/// <param name="Splits">Training, then evaluation where there is any.</param>
/// <param name="Findings">Errors first, then warnings, then the rest.</param>
internal sealed record PreflightReport(IReadOnlyList<SplitNumbers> Splits, IReadOnlyList<Finding> Findings)
{
    /// <summary>The job must not start.</summary>
    public bool HasErrors => Findings.Any(finding => finding.Severity == FindingSeverity.Error);

    /// <exception cref="InvalidInputException">There is an error; the sentences are those of all errors, each behind its code.</exception>
    public void ThrowOnErrors()
    {
        if (HasErrors)
        {
            throw new InvalidInputException(string.Join('\n', Findings.Where(finding => finding.Severity == FindingSeverity.Error).Select(finding => $"[{finding.Code}] {finding.Message}")));
        }
    }
}
