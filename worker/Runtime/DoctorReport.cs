namespace Orchestrator.Worker.Runtime;

/// <summary>What the doctor found and what a person should do.</summary>
/// <param name="Findings">In the order in which a worker meets them.</param>
/// <param name="Verdict">One sentence.</param>
/// <param name="CanRun">Whether a worker with these options runs here: exit code 0, else 1.</param>
internal sealed record DoctorReport(IReadOnlyList<DoctorFinding> Findings, string Verdict, bool CanRun)
{
    /// <summary>The report as lines for a terminal.</summary>
    public IEnumerable<string> Lines() =>
        [.. Findings.Select(f => $"{(f.IsProblem ? "!!" : "ok")} {f.Subject,-13} {f.Text}"), Verdict];
}
