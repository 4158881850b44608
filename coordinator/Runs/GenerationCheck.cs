using Google.Protobuf;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Compares the states that a generation's members begin with: replicas with each other, the sum over the stages with what is known of the step.</summary>
internal static class GenerationCheck
{
    /// <summary>The difference in one sentence; null: there is none.</summary>
    public static string? Problem(JobTurn turn)
    {
        var (placement, ready, step) = (turn.Placement, turn.Session.Ready, turn.Record.Generations.FromStep);
        foreach (var stage in placement.Ranks.GroupBy(rank => rank.Stage))
        {
            var states = stage.GroupBy(rank => ready[rank.Rank].StateHash).ToList();
            if (states.Count > 1)
            {
                var who = string.Join(" against ", states.Select(group => string.Join(", ", group.Select(rank => rank.Worker.WorkerId))));
                return $"nondeterminism detected: the replicas of stage {stage.Key} begin generation {placement.Generation} with different states of step {step} ({who}).";
            }
        }

        var sum = StateHashSum.Of(Enumerable.Range(0, placement.NumStages).Select(stage => ready[stage].StateHash));
        return IsOther(sum, turn.Session.StateHash)
            ? $"nondeterminism detected: the state of step {step} that generation {placement.Generation} begins with ({Text(sum)}) is not the one that its workers had before ({Text(turn.Session.StateHash)}); "
                + $"it came by way of {string.Join(", ", placement.Ranks.Select(rank => rank.Worker.WorkerId).Concat(turn.Record.Generations.Givers.Select(giver => giver.WorkerId)))}."
            : null;
    }

    private static bool IsOther(ByteString now, ByteString before) => !now.IsEmpty && !before.IsEmpty && now != before;

    private static string Text(ByteString hash) => Convert.ToHexStringLower(hash.Span);
}
