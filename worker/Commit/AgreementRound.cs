using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Commit;

/// <summary>One worker's part in one agreement: votes come up the tree of ranks, the verdict goes down.</summary>
/// <remarks>
/// <code>
/// own vote ──> children's votes ──> mirrored ──> rank 0: decide ──────────────> announce ──> act
///                                          └──> others: cast ──> verdict ──────────┘
/// </code>
/// Pure: no clock, no threads, no tensors. Messages may be lost, doubled and late; what may not happen is refused, and what this worker itself may not do throws.
/// </remarks>
/// <param name="scope">Job and generation.</param>
/// <param name="rank">This worker's.</param>
/// <param name="numRanks">Workers of the layout.</param>
/// <param name="step">The step, or the one that is evaluated after.</param>
/// <param name="evaluation">Whether it is the evaluation after the step.</param>
internal sealed class AgreementRound(JobScope scope, uint rank, int numRanks, ulong step, bool evaluation)
{
    private readonly SortedDictionary<uint, StepVote> _children = [];
    private StepVote? _own;
    private bool _cast;
    private bool _announced;

    public ulong Step => step;

    public bool IsEvaluation => evaluation;

    /// <summary>The verdict, once it is known here.</summary>
    public StepVerdict? Verdict { get; private set; }

    /// <summary>The own vote with those of the subtree merged in.</summary>
    /// <exception cref="InvalidOperationException">A vote is missing.</exception>
    public StepVote Merged => Missing is null && _own is not null
        ? VoteTree.Merge(_own, _children.Values)
        : throw new InvalidOperationException($"step {step}: votes are merged before all have come");

    private uint? Missing => AgreementTree.ChildrenOf(rank, numRanks).Select(child => (uint?)child).FirstOrDefault(child => !_children.ContainsKey(child!.Value));

    /// <summary>What is to be done next.</summary>
    /// <param name="isMirrored">Whether the state that this worker acted on last is where it is to be: before that it may not vote.</param>
    public CommitAction Next(bool isMirrored)
    {
        if (Verdict is not null)
            return Do(_announced ? CommitActionKind.Act : CommitActionKind.Announce);
        if (_own is null)
            return Do(CommitActionKind.FormVote);
        if (Missing is { } child)
            return new CommitAction(CommitActionKind.TakeVote, child);
        if (!isMirrored && !_cast)
            return Do(CommitActionKind.AwaitMirror);
        if (rank == 0)
            return Do(CommitActionKind.Decide);
        return _cast ? new CommitAction(CommitActionKind.TakeVerdict, AgreementTree.ParentOf(rank)) : Do(CommitActionKind.Cast);
    }

    /// <summary>This worker's own vote.</summary>
    /// <exception cref="InvalidOperationException">It is another question's, or was given before.</exception>
    public void Vote(StepVote own)
    {
        if (_own is not null || !IsOfThis(own.Scope, own.Step, own.Evaluation) || own.Rank != rank)
            throw new InvalidOperationException($"rank {own.Rank} votes on {Name(own.Step, own.Evaluation)} where rank {rank} {(_own is null ? "votes" : "has voted")} on {Name(step, evaluation)}");
        _own = own;
    }

    /// <summary>A child's vote has come.</summary>
    /// <exception cref="InvalidOperationException">The child voted otherwise before.</exception>
    public Receipt Receive(StepVote vote)
    {
        if (!IsOfThis(vote.Scope, vote.Step, vote.Evaluation) || !AgreementTree.IsParent(rank, vote.Rank) || vote.Rank >= numRanks)
            return Receipt.Refused;
        if (_children.TryAdd(vote.Rank, vote))
            return Receipt.Taken;
        return _children[vote.Rank].Equals(vote) ? Receipt.Repeated : throw new InvalidOperationException($"rank {vote.Rank} votes on {Name(step, evaluation)} in two ways");
    }

    /// <summary>The parent's verdict has come: there is none before this worker has voted.</summary>
    /// <exception cref="InvalidOperationException">Another verdict came before.</exception>
    public Receipt Receive(StepVerdict verdict)
    {
        if (!IsOfThis(verdict.Scope, verdict.Step, verdict.Evaluation) || rank == 0 || !_cast)
            return Receipt.Refused;
        if (Verdict is { } known)
            return known.Equals(verdict) ? Receipt.Repeated : throw new InvalidOperationException($"two verdicts on {Name(step, evaluation)}");
        Verdict = verdict;
        return Receipt.Taken;
    }

    /// <summary>Rank 0 decides on the votes of all.</summary>
    /// <exception cref="InvalidOperationException">It may not yet, or the votes do not hold what they should.</exception>
    public void Decide(bool isMirrored, Func<StepVote, StepVerdict> rule)
    {
        Require(isMirrored, CommitActionKind.Decide);
        Verdict = rule(Merged);
    }

    /// <summary>The merged vote is on its way to the parent.</summary>
    /// <exception cref="InvalidOperationException">It may not be yet.</exception>
    public void Cast(bool isMirrored)
    {
        Require(isMirrored, CommitActionKind.Cast);
        _cast = true;
    }

    /// <summary>The verdict is on its way to the children.</summary>
    public void Announced()
    {
        Require(isMirrored: true, CommitActionKind.Announce);
        _announced = true;
    }

    private static string Name(ulong step, bool evaluation) => evaluation ? $"the evaluation after step {step}" : $"step {step}";

    private CommitAction Do(CommitActionKind kind) => new(kind, rank);

    private void Require(bool isMirrored, CommitActionKind due)
    {
        if (Next(isMirrored).Kind is var next && next != due)
            throw new InvalidOperationException($"rank {rank}, {Name(step, evaluation)}: {due} where {next} is due");
    }

    private bool IsOfThis(JobScope other, ulong otherStep, bool otherEvaluation) =>
        otherStep == step && otherEvaluation == evaluation && other.Job == scope.Job && other.Generation == scope.Generation;
}
