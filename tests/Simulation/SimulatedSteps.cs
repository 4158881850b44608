using Google.Protobuf;
using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Simulation;

/// <summary>A worker's steps in one generation, event by event where its compute thread would wait.</summary>
internal sealed class SimulatedSteps
{
    private readonly World _world;
    private readonly SimulatedWorker _worker;
    private readonly SimulatedPart _part;
    private readonly SimulatedGeneration _generation;
    private readonly StepCommit _commit;
    private readonly SimulatedMirror _mirror;
    private readonly int _numRanks;
    private Queue<(Step? Step, ulong Evaluated)>? _items;
    private StepWindow _window = new();
    private Step? _step;
    private bool _isBusy;

    public SimulatedSteps(SimulatedWorker worker, SimulatedPart part, SimulatedGeneration generation, StartGeneration command)
    {
        (_world, _worker, _part, _generation) = (worker.World, worker, part, generation);
        var stage = generation.Stage;
        _numRanks = (int)(stage.NumReplicas * stage.NumStages);
        _mirror = new SimulatedMirror(worker, part, generation, command.Mirror, Drive);
        Gate = new StepGate(command.FromStep, CancellationToken.None);
        _commit = new StepCommit(command.Scope, generation.Rank, _numRanks, command.FromStep, _mirror.Kind != MirrorKind.None);
        _mirror.HandOver(command.FromStep);
    }

    public StepGate Gate { get; }

    public ulong ActedStep => _commit.ActedStep;

    /// <summary>Runs a window; called when nothing else is under way.</summary>
    public void Run(StepWindow window)
    {
        _window = window;
        _items = new Queue<(Step?, ulong)>();
        if (window.EvaluateBefore)
            _items.Enqueue((null, window.EvaluateBeforeStep));
        foreach (var step in window.Steps)
        {
            _items.Enqueue((step, 0));
            if (step.EvaluateAfter)
                _items.Enqueue((null, step.Number));
        }

        NextItem();
    }

    /// <summary>Goes on with what waits for the compute thread.</summary>
    public void GoOn()
    {
        if (_isBusy && Gate.Token.IsCancellationRequested)
        {
            // What is under way lies behind the step to hold after.
            (_isBusy, _items) = (false, null);
        }

        while (!_isBusy && !_generation.IsBrokenOff && _generation.NextWork())
        {
        }
    }

    private void NextItem()
    {
        _isBusy = true;
        while (_items is { Count: > 0 } && !Gate.Token.IsCancellationRequested)
        {
            var (step, evaluated) = _items.Dequeue();
            if (step is null)
            {
                if (!Gate.BeginEvaluation(evaluated))
                    continue;
                _step = null;
                _commit.BeginEvaluation(evaluated);
                _generation.In(_world.ComputeTime(), () => Vote(SimulatedVotes.OfEvaluation(_generation, _part.Holdings.At(evaluated), evaluated, _window.Evaluation)));
                return;
            }

            if (step.Number <= ActedStep)
            {
                // With its evaluation.
                if (_items.TryPeek(out var next) && next.Step is null)
                    _items.Dequeue();
                continue;
            }

            if (!Gate.Begin(step.Number))
                break;
            _step = step;
            _commit.Begin(step.Number);
            _generation.In(_world.ComputeTime(), () => Vote(SimulatedVotes.OfStep(_generation, _part.Holdings.At(step.Number - 1), step, _world.Truth)));
            return;
        }

        (_isBusy, _items) = (false, null);
    }

    private void Vote(StepVote own)
    {
        if (Gate.Token.IsCancellationRequested)
            return;
        _commit.Round.Vote(own);
        Drive();
    }

    /// <summary>Does all that can be done for the agreement that is under way.</summary>
    public void Drive() => _part.Guard(() =>
    {
        while (_isBusy && !_generation.IsBrokenOff && !Gate.Token.IsCancellationRequested && Advance())
        {
        }
    });

    private bool Advance()
    {
        var (round, next) = (_commit.Round, _commit.Next);
        switch (next.Kind)
        {
            case CommitActionKind.TakeVote when _part.HasArrived((round.Step, round.IsEvaluation, next.Rank)):
                Require(round.Receive(_part.Agreements.TakeVote(_generation.Scope, round.Step, round.IsEvaluation, next.Rank, CancellationToken.None)));
                return true;
            case CommitActionKind.AwaitMirror when _mirror.Arrived == _commit.ActedStep:
                _commit.Mirrored(_commit.ActedStep);
                return true;
            case CommitActionKind.Decide:
                _commit.Decide(Rule);
                _part.Holdings.Verdicts.Learn(round.Verdict!);
                _world.Trace.Note("{0} decides on {1} {2}: {3}", _worker, round.IsEvaluation ? "the evaluation after" : "step", round.Step, round.Verdict!.Apply ? round.Verdict.GradNorm : "skip");
                return true;
            case CommitActionKind.Cast:
                var merged = round.Merged;
                _commit.Cast();
                _world.Network.Send(_worker, _generation, AgreementTree.ParentOf(_generation.Rank), other => other.Hear(merged), received: null);
                return true;
            case CommitActionKind.TakeVerdict when _part.HasArrived((round.Step, round.IsEvaluation, uint.MaxValue)):
                Require(round.Receive(_part.Agreements.TakeVerdict(_generation.Scope, round.Step, round.IsEvaluation, CancellationToken.None)));
                _part.Holdings.Verdicts.Learn(round.Verdict!);
                return true;
            case CommitActionKind.Announce:
                round.Announced();
                var verdict = round.Verdict!;
                foreach (var child in AgreementTree.ChildrenOf(_generation.Rank, _numRanks))
                    _world.Network.Send(_worker, _generation, child, other => other.Hear(verdict), received: null);
                return true;
            case CommitActionKind.Act:
                Act();
                return false;
            default:
                return false;
        }
    }

    private StepVerdict Rule(StepVote votes) => votes.Evaluation
        ? VoteTree.DecideEvaluation(votes, _window.Evaluation.Sum(microBatch => microBatch.Samples.Count))
        : VoteTree.Decide(votes, _generation.Stage.NumChunks, _step!.MicroBatches.Count);

    private void Act()
    {
        var verdict = _commit.Act();
        if (verdict.Evaluation)
        {
            _worker.Post(new WorkerMessage
            {
                Evaluation = new EvaluationReport { Scope = _generation.Scope, Worker = _worker.Identity, Place = _generation.Stage.Place, Step = verdict.Step, Losses = { verdict.SampleLosses } },
            });
        }
        else
        {
            ActOn(verdict);
        }

        NextItem();
        GoOn();
    }

    private void ActOn(StepVerdict verdict)
    {
        var state = new SortedDictionary<uint, ulong>();
        foreach (var (layer, before) in _part.Holdings.At(verdict.Step - 1))
            state[layer] = Truth.Next(before, layer, verdict);
        _part.Holdings.Keep(verdict.Step, state);
        _world.Trace.Note("{0} (rank {1} of generation {2}) acts on step {3}", _worker, _generation.Rank, _generation.Scope.Generation, verdict.Step);
        _world.Check.Acted(_worker, _generation.Scope.Generation, verdict, state);
        _worker.Post(new WorkerMessage { Step = Report(verdict, Truth.HashOf(state)) });
        _mirror.HandOver(verdict.Step);
        _part.Holdings.Acted(_generation.Scope.Generation);
        if (_step!.SaveAfter && _window.CheckpointFolder.Length > 0)
            _generation.Save(verdict.Step);
    }

    private StepReport Report(StepVerdict verdict, ByteString hash) => new()
    {
        Scope = _generation.Scope,
        Worker = _worker.Identity,
        Place = _generation.Stage.Place,
        Step = verdict.Step,
        Applied = verdict.Apply,
        GradNorm = verdict.GradNorm,
        Losses = { verdict.Losses },
        StateHash = hash,
        Phases = new PhaseSeconds { Total = 0.1 },
        Totals = new WorkerTotals { MicroBatchesRun = verdict.Step },
    };

    private static void Require(Receipt receipt)
    {
        if (receipt != Receipt.Taken)
            throw new InvalidOperationException($"a message of an agreement was {receipt} where it was due");
    }
}
