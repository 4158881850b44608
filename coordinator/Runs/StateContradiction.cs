using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Finds what the members of a generation say that cannot all be true.</summary>
/// <remarks>Pure.</remarks>
internal static class StateContradiction
{
    /// <summary>One sentence that names the workers; null: there is none.</summary>
    public static string? Find(IReadOnlyCollection<StateHolder> holders, IEnumerable<StepVerdict> verdicts)
    {
        var states = from holder in holders
                     from state in holder.States
                     where !state.Hash.IsEmpty
                     group (holder.Worker.WorkerId, state.Hash) by (state.Step, state.FirstLayer, state.LastLayer);
        foreach (var same in states)
        {
            var groups = same.GroupBy(state => state.Hash).ToList();
            if (groups.Count > 1)
            {
                var who = string.Join(" against ", groups.Select(group => string.Join(", ", group.Select(state => state.WorkerId).Distinct())));
                return $"nondeterminism detected: after step {same.Key.Step} there are different states of layers {same.Key.FirstLayer} to {same.Key.LastLayer} ({who}).";
            }
        }

        var contradicted = verdicts.Where(verdict => !verdict.Evaluation).GroupBy(verdict => verdict.Step)
            .FirstOrDefault(step => step.Select(verdict => (verdict.Apply, verdict.Apply ? BitConverter.DoubleToInt64Bits(verdict.GradNorm) : 0)).Distinct().Count() > 1);
        return contradicted is null ? null : $"nondeterminism detected: the members of the job know different verdicts on step {contradicted.Key}.";
    }
}
