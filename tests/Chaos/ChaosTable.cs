using System.Globalization;

namespace Orchestrator.Chaos;

/// <summary>The outcome of a run as lines for a person.</summary>
internal static class ChaosTable
{
    public const string Head = "job                    fault      step worker     | event       at step  generation  lost worker s  steps repeated";

    /// <summary>A line a fault, a line an event that followed, and the sums.</summary>
    public static IEnumerable<string> Lines(ChaosOutcome outcome, IReadOnlyList<string> differences)
    {
        foreach (var (fault, _, _) in outcome.Faults)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{outcome.Job,-22} {fault.Kind,-10} {fault.Step,4} {fault.WorkerName,-10} |");
        }

        foreach (var line in outcome.Files.Events().Where(line => line.Name is "lost" or "leave" or "join" or "recovered" or "rollback"))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{outcome.Job,-22} {"",-10} {"",4} {line.Worker,-10} | {line.Name,-11} {line.Step,7} {line.Generation,11} {line.LostWorkerSeconds,14:F2} {line.StepsRepeated,15}");
        }

        double faults = outcome.Faults.Sum(done => done.Fault.Duration.TotalSeconds);
        double longest = outcome.Recoveries().Select(recovery => recovery.Time.TotalSeconds).DefaultIfEmpty(0).Max();
        string verdict = differences.Count == 0 ? "the same bytes as undisturbed" : $"DIFFERS: {string.Join("; ", differences)}";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{outcome.Job,-22} {outcome.Faults.Count}{(outcome.Missed > 0 ? $" of {outcome.Faults.Count + outcome.Missed}" : "")} faults of {faults:F0} s themselves, {outcome.LostWorkerSeconds:F1} worker seconds lost, {outcome.StepsRepeated} steps repeated, longest recovery {longest:F1} s: {verdict}");
    }
}
