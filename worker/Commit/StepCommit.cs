using Orchestrator.Protos;

namespace Orchestrator.Worker.Commit;

/// <summary>One worker's way through the steps of a generation: which one it may vote on and act on, and when.</summary>
/// <remarks>
/// <code>
/// begin N+1 ──> agreement (AgreementRound) ──> act on N+1 ──> begin N+2, or the evaluation after N+1
/// </code>
/// Nobody votes on N + 1 before acting on N, and before its state N is mirrored. Pure: a simulation drives it as the compute thread does.
/// </remarks>
/// <param name="scope">Job and generation.</param>
/// <param name="rank">This worker's.</param>
/// <param name="numRanks">Workers of the layout.</param>
/// <param name="fromStep">The step whose state the generation begins with.</param>
/// <param name="mirrors">Whether this worker's state is to be mirrored after each step.</param>
internal sealed class StepCommit(JobScope scope, uint rank, int numRanks, ulong fromStep, bool mirrors)
{
    private AgreementRound? _round;
    private ulong? _mirrored;

    /// <summary>The newest step that was acted on.</summary>
    public ulong ActedStep { get; private set; } = fromStep;

    /// <summary>The state after <see cref="ActedStep"/> is where it is to be.</summary>
    public bool IsMirrored => !mirrors || _mirrored == ActedStep;

    /// <summary>The agreement that is under way.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public AgreementRound Round => _round ?? throw new InvalidOperationException("nothing is being agreed on");

    /// <summary>What is to be done next for the agreement that is under way.</summary>
    public CommitAction Next => Round.Next(IsMirrored);

    /// <summary>Begins the step after the one that was acted on.</summary>
    /// <exception cref="InvalidOperationException">It is another one, or one is under way.</exception>
    public void Begin(ulong step)
    {
        if (_round is not null || step != ActedStep + 1)
            throw new InvalidOperationException($"step {step} begins where {(_round is null ? $"step {ActedStep + 1}" : $"the end of step {_round.Step}")} was due");
        _round = new AgreementRound(scope, rank, numRanks, step, evaluation: false);
    }

    /// <summary>Begins the evaluation of the state that was acted on last.</summary>
    /// <exception cref="InvalidOperationException">It is another one's, or a step is under way.</exception>
    public void BeginEvaluation(ulong step)
    {
        if (_round is not null || step != ActedStep)
            throw new InvalidOperationException($"the state after step {step} is evaluated where {(_round is null ? $"that after step {ActedStep}" : $"the end of step {_round.Step}")} was due");
        _round = new AgreementRound(scope, rank, numRanks, step, evaluation: true);
    }

    /// <summary>Rank 0 decides on the votes of all.</summary>
    /// <exception cref="InvalidOperationException">It may not yet.</exception>
    public void Decide(Func<StepVote, StepVerdict> rule) => Round.Decide(IsMirrored, rule);

    /// <summary>The merged vote is on its way.</summary>
    /// <exception cref="InvalidOperationException">It may not be yet.</exception>
    public void Cast() => Round.Cast(IsMirrored);

    /// <summary>The state after a step is mirrored.</summary>
    /// <exception cref="InvalidOperationException">It is that of a step that was not acted on.</exception>
    public void Mirrored(ulong step)
    {
        if (step > ActedStep)
            throw new InvalidOperationException($"the state after step {step} is mirrored, but only step {ActedStep} was acted on");
        _mirrored = Math.Max(_mirrored ?? 0, step);
    }

    /// <summary>Acts on the verdict, which ends the agreement; of an evaluation there is nothing to act on.</summary>
    /// <exception cref="InvalidOperationException">The verdict is not known here, or not passed on.</exception>
    public StepVerdict Act()
    {
        if (Next.Kind != CommitActionKind.Act)
            throw new InvalidOperationException($"rank {rank} acts on step {Round.Step} where {Next.Kind} is due");
        var verdict = Round.Verdict!;
        if (!Round.IsEvaluation)
            ActedStep = Round.Step;
        _round = null;
        return verdict;
    }
}
