using Orchestrator.Protos;
using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class StepCommitTests
{
    private static readonly JobScope Scope = new() { Job = "j", Generation = 3, Fence = 1 };

    [Fact]
    public void Begin_AnotherStepThanTheNextOne_IsRefused()
    {
        var commit = New(rank: 0, numRanks: 1);
        Assert.Throws<InvalidOperationException>(() => commit.Begin(4));
        Assert.Throws<InvalidOperationException>(() => commit.Begin(6));
        commit.Begin(5);
    }

    /// <summary>Nobody votes on N + 1 before acting on N.</summary>
    [Fact]
    public void Begin_BeforeTheStepBeforeIsActedOn_IsRefused()
    {
        var commit = New(rank: 0, numRanks: 1);
        commit.Begin(5);
        commit.Round.Vote(Vote(0, 5));
        commit.Decide(Apply);
        Assert.Throws<InvalidOperationException>(() => commit.Begin(6));
        Assert.Equal(4UL, commit.ActedStep);
        commit.Round.Announced();
        commit.Act();
        Assert.Equal(5UL, commit.ActedStep);
        commit.Begin(6);
    }

    /// <summary>Nobody votes on N + 1 before its N is mirrored, the generation's first state included.</summary>
    [Theory]
    [InlineData(0, CommitActionKind.Decide)]
    [InlineData(1, CommitActionKind.Cast)]
    internal void Vote_BeforeTheStateIsMirrored_IsRefused(uint rank, CommitActionKind afterwards)
    {
        var commit = New(rank, numRanks: rank == 0 ? 1 : 2, mirrors: true);
        commit.Begin(5);
        commit.Round.Vote(Vote(rank, 5));
        Assert.Equal(CommitActionKind.AwaitMirror, commit.Next.Kind);
        Assert.Throws<InvalidOperationException>(() => commit.Decide(Apply));
        Assert.Throws<InvalidOperationException>(commit.Cast);
        Assert.Throws<InvalidOperationException>(() => commit.Mirrored(5));
        commit.Mirrored(3);
        Assert.Equal(CommitActionKind.AwaitMirror, commit.Next.Kind);
        commit.Mirrored(4);
        Assert.Equal(afterwards, commit.Next.Kind);
    }

    [Fact]
    public void Decide_BeforeAllHaveVoted_IsRefused()
    {
        var commit = New(rank: 0, numRanks: 3);
        commit.Begin(5);
        commit.Round.Vote(Vote(0, 5));
        Assert.Equal(Receipt.Taken, commit.Round.Receive(Vote(2, 5)));
        Assert.Equal(new CommitAction(CommitActionKind.TakeVote, 1), commit.Next);
        Assert.Throws<InvalidOperationException>(() => commit.Decide(Apply));
        Assert.Throws<InvalidOperationException>(() => _ = commit.Round.Merged);
    }

    [Fact]
    public void Act_BeforeTheVerdictIsKnownAndPassedOn_IsRefused()
    {
        var commit = New(rank: 1, numRanks: 4);
        commit.Begin(5);
        Assert.Throws<InvalidOperationException>(commit.Act);
        commit.Round.Vote(Vote(1, 5));
        commit.Round.Receive(Vote(3, 5));
        Assert.Equal(Receipt.Refused, commit.Round.Receive(Verdict(5)));
        commit.Cast();
        Assert.Throws<InvalidOperationException>(commit.Act);
        Assert.Equal(Receipt.Taken, commit.Round.Receive(Verdict(5)));
        Assert.Throws<InvalidOperationException>(commit.Act);
        commit.Round.Announced();
        Assert.True(commit.Act().Apply);
    }

    [Fact]
    public void Receive_DoubledAndForeignMessages_AreTold()
    {
        var commit = New(rank: 1, numRanks: 4);
        commit.Begin(5);
        var round = commit.Round;
        Assert.Equal(Receipt.Refused, round.Receive(Vote(2, 5)));
        Assert.Equal(Receipt.Refused, round.Receive(Vote(4, 5)));
        Assert.Equal(Receipt.Refused, round.Receive(Vote(3, 6)));
        var evaluation = Vote(3, 5);
        evaluation.Evaluation = true;
        Assert.Equal(Receipt.Refused, round.Receive(evaluation));
        var older = Vote(3, 5);
        older.Scope = new JobScope { Job = "j", Generation = 2, Fence = 9 };
        Assert.Equal(Receipt.Refused, round.Receive(older));
        Assert.Equal(Receipt.Taken, round.Receive(Vote(3, 5)));
        Assert.Equal(Receipt.Repeated, round.Receive(Vote(3, 5)));
        var other = Vote(3, 5);
        other.AllFinite = false;
        Assert.Throws<InvalidOperationException>(() => round.Receive(other));
        round.Vote(Vote(1, 5));
        Assert.Throws<InvalidOperationException>(() => round.Vote(Vote(1, 5)));
        commit.Cast();
        Assert.Equal(Receipt.Refused, round.Receive(Verdict(6)));
        Assert.Equal(Receipt.Taken, round.Receive(Verdict(5)));
        Assert.Equal(Receipt.Repeated, round.Receive(Verdict(5)));
        var contrary = Verdict(5);
        contrary.Apply = false;
        Assert.Throws<InvalidOperationException>(() => round.Receive(contrary));
    }

    [Fact]
    public void BeginEvaluation_OfTheStateThatWasActedOn_ChangesNoStep()
    {
        var commit = New(rank: 0, numRanks: 1);
        Assert.Throws<InvalidOperationException>(() => commit.BeginEvaluation(5));
        commit.BeginEvaluation(4);
        var vote = Vote(0, 4);
        vote.Evaluation = true;
        commit.Round.Vote(vote);
        commit.Decide(all => new StepVerdict { Scope = all.Scope, Step = all.Step, Evaluation = true });
        commit.Round.Announced();
        commit.Act();
        Assert.Equal(4UL, commit.ActedStep);
        commit.Begin(5);
    }

    /// <summary>Seven workers whose messages are lost, doubled and late, each sent until it has an effect: all act on all steps, never two steps apart.</summary>
    [Fact]
    public void Steps_WithMessagesLostDoubledAndLate_AreActedOnByAllInTurn()
    {
        for (var seed = 0; seed < 50; seed++)
            new RandomRun(seed, numRanks: 7, steps: 5).Run();
    }

    private static StepCommit New(uint rank, int numRanks, bool mirrors = false) => new(Scope, rank, numRanks, 4, mirrors);

    private static StepVote Vote(uint rank, ulong step) => new() { Scope = Scope, Step = step, Rank = rank, AllFinite = true };

    private static StepVerdict Verdict(ulong step) => new() { Scope = Scope, Step = step, Apply = true, GradNorm = 1 };

    private static StepVerdict Apply(StepVote all) => new() { Scope = all.Scope, Step = all.Step, Apply = true, GradNorm = all.Losses.Count };

    private sealed class RandomRun
    {
        private readonly Random _random;
        private readonly StepCommit[] _ranks;
        private readonly ulong _last;
        private readonly List<(uint To, object Message)> _sent = [];
        private readonly Dictionary<ulong, StepVerdict> _verdicts = [];

        public RandomRun(int seed, int numRanks, int steps)
        {
            _random = new Random(seed);
            _ranks = [.. Enumerable.Range(0, numRanks).Select(rank => new StepCommit(Scope, (uint)rank, numRanks, 0, mirrors: true))];
            _last = (ulong)steps;
            foreach (var rank in _ranks)
                rank.Begin(1);
        }

        public void Run()
        {
            for (var turn = 0; _ranks.Any(rank => rank.ActedStep < _last); turn++)
            {
                Assert.True(turn < 100_000, "no progress");
                if (_random.Next(2) == 0)
                    Deliver();
                else
                    Advance((uint)_random.Next(_ranks.Length));
                Assert.True(_ranks.Max(rank => rank.ActedStep) - _ranks.Min(rank => rank.ActedStep) <= 1);
            }
        }

        // What was sent stays: it may come again, whenever.
        private void Deliver()
        {
            if (_sent.Count == 0)
                return;
            var (to, message) = _sent[_random.Next(_sent.Count)];
            if (_random.Next(3) == 0 || _ranks[to].ActedStep == _last)
                return;
            var round = _ranks[to].Round;
            _ = message is StepVote vote ? round.Receive(vote) : round.Receive((StepVerdict)message);
        }

        private void Advance(uint rank)
        {
            var commit = _ranks[rank];
            if (commit.ActedStep == _last)
                return;
            var (round, next) = (commit.Round, commit.Next);
            switch (next.Kind)
            {
                case CommitActionKind.FormVote:
                    var vote = Vote(rank, round.Step);
                    vote.Losses.Add(new MicroBatchLoss { MicroBatch = rank });
                    round.Vote(vote);
                    break;
                case CommitActionKind.AwaitMirror when _random.Next(4) == 0:
                    commit.Mirrored(commit.ActedStep);
                    break;
                case CommitActionKind.Decide:
                    commit.Decide(Apply);
                    Assert.Equal(_ranks.Length, round.Verdict!.GradNorm);
                    break;
                case CommitActionKind.Cast:
                    _sent.Add(((rank - 1) / 2, round.Merged));
                    commit.Cast();
                    break;
                case CommitActionKind.Announce:
                    for (var child = (2 * rank) + 1; child <= (2 * rank) + 2 && child < _ranks.Length; child++)
                        _sent.Add((child, round.Verdict!));
                    round.Announced();
                    break;
                case CommitActionKind.Act:
                    var verdict = commit.Act();
                    Assert.Equal(_verdicts.GetValueOrDefault(verdict.Step, verdict), verdict);
                    _verdicts[verdict.Step] = verdict;
                    if (commit.ActedStep < _last)
                        commit.Begin(commit.ActedStep + 1);
                    break;
                default:
                    break;
            }
        }
    }
}
