namespace Orchestrator.Coordinator.Jobs;

/// <summary>The outcome of reading a job file: the spec, or every error at once.</summary>
/// <param name="Spec">The job; null when there is any error.</param>
/// <param name="Errors">One sentence each with document, line and column (or the option), in document order.</param>
/// <param name="ResolvedYaml">The document with every key, default and absolute path; parsing it gives an equal spec. Empty when there is any error.</param>
internal sealed record JobFileResult(JobSpec? Spec, IReadOnlyList<string> Errors, string ResolvedYaml);
