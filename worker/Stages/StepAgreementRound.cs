using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Stages;

/// <summary>This worker's part in the vote on a step.</summary>
/// <remarks>Compute thread only.</remarks>
/// <param name="generation">The other workers.</param>
/// <param name="mail">Names who is waited for.</param>
/// <param name="activity">Told what is waited for.</param>
/// <param name="numChunks">Chunks of the whole job: each has exactly one sum in the votes.</param>
internal sealed class StepAgreementRound(StageGeneration generation, StageMail mail, StageActivity activity, uint numChunks)
{
    /// <summary>Waits for the children's votes and passes the merged vote up; on rank 0 the verdict, which is announced at once.</summary>
    public StepVerdict? Vote(ulong step, IReadOnlyList<ChunkSum> sums, bool allFinite, PhaseClock clock, CancellationToken cancellationToken)
    {
        var own = new StepVote { Scope = generation.Scope, Step = step, Rank = generation.Rank, AllFinite = allFinite, ChunkSums = { sums } };
        var children = new List<StepVote>();
        foreach (var child in AgreementTree.ChildrenOf(generation.Rank, generation.NumRanks))
        {
            activity.WaitsFor(mail.WaitText(step, child, "vote"));
            children.Add(clock.In(StepPhase.Wait, () => generation.Agreements.TakeVote(generation.Scope, step, child, cancellationToken)));
        }

        var merged = VoteTree.Merge(own, children);
        if (generation.Rank != 0)
        {
            generation.Link.Cast(AgreementTree.ParentOf(generation.Rank), merged);
            return null;
        }

        var verdict = VoteTree.Decide(merged, numChunks);
        Announce(verdict);
        return verdict;
    }

    /// <summary>Waits for the verdict and passes it down.</summary>
    public StepVerdict TakeVerdict(ulong step, PhaseClock clock, CancellationToken cancellationToken)
    {
        activity.WaitsFor(mail.WaitText(step, AgreementTree.ParentOf(generation.Rank), "verdict"));
        var verdict = clock.In(StepPhase.Wait, () => generation.Agreements.TakeVerdict(generation.Scope, step, cancellationToken));
        Announce(verdict);
        return verdict;
    }

    private void Announce(StepVerdict verdict)
    {
        foreach (var child in AgreementTree.ChildrenOf(generation.Rank, generation.NumRanks))
            generation.Link.Announce(child, verdict);
    }
}
