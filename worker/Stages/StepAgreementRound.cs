using Orchestrator.Protos;
using Orchestrator.Protos.Faults;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Stages;

/// <summary>Does what <see cref="StepCommit"/> says is to be done for an agreement: waits, sends, tells what is waited for.</summary>
/// <remarks>Compute thread only.</remarks>
/// <param name="generation">The other workers.</param>
/// <param name="commit">Decides what comes next.</param>
/// <param name="states">Where states are mirrored and verdicts remembered.</param>
/// <param name="mail">Names who is waited for.</param>
/// <param name="activity">Told what is waited for.</param>
internal sealed class StepAgreementRound(StageGeneration generation, StepCommit commit, StepStates states, StageMail mail, StageActivity activity)
{
    /// <summary>Gives this worker's vote, and does all that can be done before the parent's verdict is waited for.</summary>
    /// <param name="own">The vote.</param>
    /// <param name="rule">What rank 0 decides by.</param>
    /// <param name="clock">Of the step.</param>
    /// <param name="cancellationToken">Ends a wait.</param>
    public void Vote(StepVote own, Func<StepVote, StepVerdict> rule, PhaseClock clock, CancellationToken cancellationToken)
    {
        commit.Round.Vote(own);
        while (commit.Next is var next && next.Kind is not (CommitActionKind.TakeVerdict or CommitActionKind.Act))
            Do(next, rule, clock, cancellationToken);
    }

    /// <summary>Waits for the verdict where this worker did not decide itself, passes it on and ends the agreement.</summary>
    public StepVerdict Conclude(PhaseClock clock, CancellationToken cancellationToken)
    {
        while (commit.Next is var next && next.Kind != CommitActionKind.Act)
            Do(next, _ => throw new InvalidOperationException("a verdict is decided after it was waited for"), clock, cancellationToken);
        return commit.Act();
    }

    private void Do(CommitAction next, Func<StepVote, StepVerdict> rule, PhaseClock clock, CancellationToken cancellationToken)
    {
        var round = commit.Round;
        switch (next.Kind)
        {
            case CommitActionKind.TakeVote:
                activity.WaitsFor(mail.WaitText(round.Step, next.Rank, "vote"));
                Require(round.Receive(clock.In(StepPhase.Wait, () => generation.Agreements.TakeVote(generation.Scope, round.Step, round.IsEvaluation, next.Rank, cancellationToken))));
                break;
            case CommitActionKind.AwaitMirror:
                AwaitMirror(round.Step, clock, cancellationToken);
                break;
            case CommitActionKind.Decide:
                FaultPoints.Reach(FaultPoint.Vote, round.Step);
                clock.In(StepPhase.Vote, () => commit.Decide(rule));
                states.Verdicts.Learn(round.Verdict!);
                break;
            case CommitActionKind.Cast:
                clock.In(StepPhase.Vote, () => Cast(round));
                break;
            case CommitActionKind.TakeVerdict:
                activity.WaitsFor(mail.WaitText(round.Step, next.Rank, "verdict"));
                Require(round.Receive(clock.In(StepPhase.Wait, () => generation.Agreements.TakeVerdict(generation.Scope, round.Step, round.IsEvaluation, cancellationToken))));
                states.Verdicts.Learn(round.Verdict!);
                break;
            case CommitActionKind.Announce:
                clock.In(StepPhase.Vote, () => Announce(round));
                break;
            default:
                throw new InvalidOperationException($"{next.Kind} is nothing that an agreement does");
        }
    }

    // Its owner says who that is and what of it.
    private void AwaitMirror(ulong step, PhaseClock clock, CancellationToken cancellationToken)
    {
        var mirror = states.Mirror ?? throw new InvalidOperationException("a mirror is waited for where there is none");
        activity.WaitsFor(mirror.Partner is { } partner ? mail.WaitText(step, partner, "mirror of its state") : $"step {step}: waits for its cache's disk, mirror of its state");
        clock.In(StepPhase.Mirror, () => mirror.Await(commit.ActedStep, cancellationToken));
        commit.Mirrored(commit.ActedStep);
    }

    private void Cast(AgreementRound round)
    {
        var merged = round.Merged;
        FaultPoints.Reach(FaultPoint.Vote, round.Step);
        commit.Cast();
        generation.Link.Cast(AgreementTree.ParentOf(generation.Rank), merged);
    }

    private void Announce(AgreementRound round)
    {
        round.Announced();
        foreach (var child in AgreementTree.ChildrenOf(generation.Rank, generation.NumRanks))
            generation.Link.Announce(child, round.Verdict!);
    }

    private static void Require(Receipt receipt)
    {
        if (receipt != Receipt.Taken)
            throw new InvalidOperationException($"a message of an agreement was {receipt} where it was due");
    }
}
