using Orchestrator.Protos;
using Orchestrator.Protos.Faults;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Optimizers;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Runs windows of steps of one stage in one generation, as a straight-line program.</summary>
/// <remarks>
/// Compute thread only. A step: pipeline, reduction, vote, verdict, apply or skip, keep the state, hand it to the mirror, report. Nothing in it waits for a coordinator;
/// every wait for a peer is named in the activity and ends with the generation's cancellation. At a window's end the state stays as it is; the next window goes on from there.
/// What may be done when is <see cref="StepCommit"/>'s to say.
/// </remarks>
internal sealed class StageExecutor : IDisposable
{
    private const int LossesAReport = 20_000;

    private readonly StageAssets _assets;
    private readonly StageGeneration _generation;
    private readonly StageActivity _activity;
    private readonly AdapterOptimizer _optimizer;
    private readonly Action<WorkerMessage> _report;
    private readonly StageMail _mail;
    private readonly StepGradients _gradients;
    private readonly Func<Step, SlotRule, PhaseClock, CancellationToken, IReadOnlyList<MicroBatchLoss>> _microBatches;
    private readonly StepCommit _commit;
    private readonly StepStates _states;
    private readonly StepAgreementRound _agreement;
    private readonly StepSlots _stepSlots;
    private readonly WorkerTotals _before;

    public StageExecutor(
        StageAssets assets,
        StageGeneration generation,
        StepStates states,
        AdapterOptimizer optimizer,
        StepSlots stepSlots,
        ChunkSquares chunkSquares,
        StageActivity activity,
        Action<WorkerMessage> report)
    {
        _stepSlots = stepSlots;
        (_assets, _generation, _optimizer, _activity, _report) = (assets, generation, optimizer, activity, report);
        _mail = new StageMail(assets, generation, activity);
        _gradients = new StepGradients(assets, generation, new GradientPool(assets.Adapter), chunkSquares);
        _microBatches = generation.NumStages == 1
            ? new SideBySideStep(assets, generation, activity, _gradients.Pool, _gradients.Push).Run
            : new StepPipeline(assets, generation, _mail, activity, _gradients.Pool, _gradients.Push).Run;
        _states = states;
        _commit = new StepCommit(generation.Scope, generation.Rank, generation.NumRanks, assets.ActedStep, states.Mirror is not null);
        _agreement = new StepAgreementRound(generation, _commit, states, _mail, activity);
        _before = assets.Counters.Totals.Clone();
    }

    /// <summary>Where the time of the steps went.</summary>
    public PhaseAccount Phases { get; } = new();

    /// <summary>Runs a window's evaluation and steps as far as the gate lets it; steps that were acted on already are passed over.</summary>
    /// <param name="window">The window.</param>
    /// <param name="gate">How far this worker may go.</param>
    /// <param name="acted">Called after each step, before its evaluation, with the state as the step left it.</param>
    /// <exception cref="OperationCanceledException">The generation ended, or the worker is to hold before what was under way.</exception>
    public void RunWindow(StepWindow window, StepGate gate, Action<Step> acted)
    {
        gate.Token.ThrowIfCancellationRequested();
        if (window.EvaluateBefore && gate.BeginEvaluation(window.EvaluateBeforeStep))
            Evaluate(window.EvaluateBeforeStep, window.Evaluation, gate.Token);
        foreach (var step in window.Steps)
        {
            if (step.Number <= _assets.ActedStep)
                continue;
            // Also in windows behind the one that it holds in.
            if (!gate.Begin(step.Number))
                break;
            if (step.Number != _assets.ActedStep + 1)
                throw new InvalidOperationException($"step {step.Number} came where step {_assets.ActedStep + 1} was due");
            RunStep(step, gate.Token);
            acted(step);
            if (step.EvaluateAfter && gate.BeginEvaluation(step.Number))
                Evaluate(step.Number, window.Evaluation, gate.Token);
        }

        _activity.WaitsFor($"step {_assets.ActedStep}: holds{(gate.IsClosed ? ", as it was told" : " for the next window")}");
    }

    public void Dispose() => _gradients.Dispose();

    private void RunStep(Step step, CancellationToken cancellationToken)
    {
        using var scope = torch.NewDisposeScope();
        var clock = new PhaseClock();
        Forget(step.Number);
        _commit.Begin(step.Number);
        var slots = _stepSlots(step.MicroBatches.Count, _assets.Spec.Constants.ReductionSlots);
        _gradients.Begin(step.Number, slots);
        try
        {
            var losses = _microBatches(step, slots, clock, cancellationToken);
            var (verdict, gradient) = Agree(step, losses, clock, cancellationToken);
            FaultPoints.Reach(FaultPoint.Apply, step.Number);
            _activity.Does($"step {step.Number}: optimizer");
            if (verdict.Apply)
                clock.In(StepPhase.Optimizer, () => _optimizer.Apply(_assets.Adapter, gradient, step, (float)verdict.GradNorm));
            _assets.ActedStep = step.Number;
            var state = clock.In(StepPhase.History, () => _states.History.Keep(_assets.Adapter, step.Number));
            var hash = clock.In(StepPhase.Optimizer, state.Hash);
            FaultPoints.Reach(FaultPoint.Mirror, step.Number);
            // First: a file of the state holds its report, too.
            _report(new WorkerMessage { Step = Report(step.Number, verdict, hash, clock) });
            clock.In(StepPhase.Mirror, () => _states.Mirror?.Begin(step.Number));
            Phases.Add(clock.Read());
        }
        finally
        {
            _gradients.Release();
        }
    }

    // Own chunks are finished and voted on before the others' are gathered: the vote travels meanwhile.
    private (StepVerdict Verdict, torch.Tensor Gradient) Agree(Step step, IReadOnlyList<MicroBatchLoss> losses, PhaseClock clock, CancellationToken cancellationToken)
    {
        void WaitingFor(int replica, string what) => _activity.WaitsFor(_mail.WaitText(step.Number, _generation.RankOf((uint)replica, _generation.Place.Stage), what));
        var phase = _generation.NumReplicas > 1 ? StepPhase.Reduce : StepPhase.Optimizer;
        var sums = clock.In(phase, () => _gradients.FinishOwned(WaitingFor, cancellationToken));
        var own = new StepVote
        {
            Scope = _generation.Scope,
            Step = step.Number,
            Rank = _generation.Rank,
            AllFinite = sums.All(sum => double.IsFinite(sum.SumOfSquares)) && losses.All(loss => double.IsFinite(loss.LossSum)),
            ChunkSums = { sums },
            Losses = { losses },
        };
        _agreement.Vote(own, votes => VoteTree.Decide(votes, _assets.Spec.NumChunks, step.MicroBatches.Count), clock, cancellationToken);
        var gradient = clock.In(phase, () => _gradients.Gather(WaitingFor, cancellationToken));
        return (_agreement.Conclude(clock, cancellationToken), gradient);
    }

    private StepReport Report(ulong step, StepVerdict verdict, byte[] hash, PhaseClock clock)
    {
        var totals = _assets.Counters.Totals;
        totals.BytesSent = _before.BytesSent + _generation.Link.BytesSent;
        totals.BytesReceived = _generation.Tensors.BytesReceived(_generation.Scope.Job);
        totals.GradientBytesReceived = _before.GradientBytesReceived + _gradients.BytesReceived;
        totals.PeakMemoryBytes = ProcessMemory.PeakBytes;
        return new StepReport
        {
            Scope = _generation.Scope,
            Worker = _generation.Self,
            Place = _generation.Place,
            Step = step,
            Applied = verdict.Apply,
            GradNorm = verdict.GradNorm,
            Losses = { verdict.Losses },
            StateHash = Google.Protobuf.ByteString.CopyFrom(hash),
            Phases = clock.Read(),
            Totals = totals.Clone(),
        };
    }

    private void Evaluate(ulong step, IReadOnlyList<MicroBatch> evaluation, CancellationToken cancellationToken)
    {
        using var scope = torch.NewDisposeScope();
        _commit.BeginEvaluation(step);
        var losses = new EvaluationPass(_assets, _generation, _mail, _activity).Run(step, evaluation, cancellationToken);
        var own = new StepVote { Scope = _generation.Scope, Step = step, Rank = _generation.Rank, AllFinite = true, Evaluation = true, SampleLosses = { losses } };
        var clock = new PhaseClock();
        _agreement.Vote(own, votes => VoteTree.DecideEvaluation(votes, evaluation.Sum(microBatch => microBatch.Samples.Count)), clock, cancellationToken);
        foreach (var part in _agreement.Conclude(clock, cancellationToken).SampleLosses.Chunk(LossesAReport))
        {
            _report(new WorkerMessage
            {
                Evaluation = new EvaluationReport { Scope = _generation.Scope, Worker = _generation.Self, Place = _generation.Place, Step = step, Losses = { part } },
            });
        }
    }

    // Acted steps differ by at most one, and an evaluation at N - 1 may still be under way elsewhere.
    private void Forget(ulong step)
    {
        if (step < 3)
            return;
        _generation.Tensors.Forget(_generation.Scope.Job, step - 2);
        _generation.Agreements.Forget(_generation.Scope.Job, step - 2);
    }
}
