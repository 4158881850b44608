using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Compares a step that is run again with what was known of it: what was committed, the verdicts that survivors knew, and their reports.</summary>
/// <remarks>Whatever is known binds: a difference is a machine that computes wrong, or a bug.</remarks>
internal static class RepeatedStep
{
    /// <summary>The difference in one sentence, which names generations and workers; null: there is none.</summary>
    public static string? Difference(JobTurn turn, ulong step, StepOutcome outcome, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var now = $"generation {turn.Placement.Generation} ({Names(reports.Keys.Select(rank => turn.Placement.Ranks[rank].Worker.WorkerId))})";
        var found = FromCommitted(turn.Record.Ledger[step], outcome)
            ?? turn.Record.Generations.Verdicts.Where(verdict => verdict.Step == step).Select(verdict => FromVerdict(verdict, outcome)).FirstOrDefault(difference => difference is not null)
            ?? (turn.Session.Earlier.GetValueOrDefault(step) ?? []).Select(earlier => FromReport(earlier, turn.Placement, reports)).FirstOrDefault(difference => difference is not null);
        return found is null ? null : $"nondeterminism detected: step {step} came to {found.What} {found.Before} in {found.Who} and to {found.Now} when it was run again in {now}; check the memory of these machines.";
    }

    private static Found? FromCommitted(StepCommitted? before, StepOutcome now)
    {
        if (before is null)
        {
            return null;
        }

        var who = Who(before.Generation, before.Workers);
        return Verdict(before.Applied, before.GradNorm, now, who)
            ?? (StepVerification.SameBits(before.Loss, now.Loss) ? null : new Found("the loss", Text(before.Loss), who, Text(now.Loss)))
            ?? State(before.StateHash, now.StateHash, who);
    }

    private static Found? FromVerdict(KnownVerdict before, StepOutcome now) => Verdict(before.Apply, before.GradNorm, now, Who(before.Generation, before.Workers));

    private static Found? FromReport(EarlierReport earlier, JobPlacement placement, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var (before, now) = (earlier.Report, reports.First().Value);
        var who = Who(before.Scope.Generation, [earlier.Rank.Worker.WorkerId]);
        if (!before.Losses.Equals(now.Losses))
        {
            return new Found("losses whose sum is", Text(before.Losses.Sum(loss => loss.LossSum)), who, Text(now.Losses.Sum(loss => loss.LossSum)));
        }

        // The same layers have the same hash; another cut shows in the sum alone.
        var same = placement.Ranks.FirstOrDefault(rank => (rank.FirstLayer, rank.LastLayer) == (earlier.Rank.FirstLayer, earlier.Rank.LastLayer) && reports.ContainsKey(rank.Rank));
        return same is null ? null : State(before.StateHash, reports[same.Rank].StateHash, who);
    }

    private static Found? Verdict(bool applied, double norm, StepOutcome now, string who)
    {
        if (applied != now.Applied)
        {
            return new Found("the verdict", Verdict(applied), who, Verdict(now.Applied));
        }

        return !applied || StepVerification.SameBits(norm, now.GradNorm) ? null : new Found("the norm", Text(norm), who, Text(now.GradNorm));
    }

    private static Found? State(ByteString before, ByteString now, string who) => before.IsEmpty || now.IsEmpty || before == now
        ? null
        : new Found("a state of hash", Convert.ToHexStringLower(before.Span), who, Convert.ToHexStringLower(now.Span));

    private static string Verdict(bool applied) => applied ? "apply" : "skip";

    private static string Who(ulong generation, IEnumerable<string> workers) => $"generation {generation} ({Names(workers)})";

    private static string Names(IEnumerable<string> workers) => string.Join(", ", workers);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private sealed record Found(string What, string Before, string Who, string Now);
}
