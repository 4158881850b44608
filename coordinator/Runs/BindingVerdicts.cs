using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>The verdicts that bind steps which are run again.</summary>
/// <remarks>Pure.</remarks>
internal static class BindingVerdicts
{
    /// <summary>All that is known of steps after the agreed one: journaled with earlier placements, told by the members, and in reports of steps that were not committed.</summary>
    public static IEnumerable<KnownVerdict> After(
        ulong agreed,
        IEnumerable<KnownVerdict> journaled,
        ImmutableDictionary<WorkerKey, GenerationJoined?> answers,
        ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<int, StepReport>> reports,
        JobPlacement before)
    {
        var told = from answer in answers
                   from verdict in answer.Value!.Verdicts
                   where !verdict.Evaluation
                   select (verdict.Step, verdict.Apply, verdict.GradNorm, Generation: verdict.Scope?.Generation ?? before.Generation, Worker: answer.Key.WorkerId);
        var reported = from step in reports
                       from report in step.Value
                       select (Step: step.Key, Apply: report.Value.Applied, report.Value.GradNorm, report.Value.Scope.Generation, Worker: before.Ranks[report.Key].Worker.WorkerId);
        var known = from verdict in journaled
                    from worker in verdict.Workers
                    select (verdict.Step, verdict.Apply, verdict.GradNorm, verdict.Generation, Worker: worker);
        return told.Concat(reported).Concat(known).Where(verdict => verdict.Step > agreed)
            .GroupBy(verdict => (verdict.Step, verdict.Apply, Norm: BitConverter.DoubleToInt64Bits(verdict.GradNorm)))
            .OrderBy(group => group.Key.Step)
            .Select(group => new KnownVerdict
            {
                Step = group.Key.Step,
                Apply = group.Key.Apply,
                GradNorm = group.First().GradNorm,
                Generation = group.Max(verdict => verdict.Generation),
                Workers = { group.Select(verdict => verdict.Worker).Distinct().Order(StringComparer.Ordinal) },
            });
    }
}
