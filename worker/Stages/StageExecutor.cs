using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Optimizers;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Runs windows of steps of one stage in one generation, as a straight-line program.</summary>
/// <remarks>
/// Compute thread only. A step: pipeline, reduction, vote, verdict, apply or skip, report. Nothing in it waits for a coordinator; every wait for a
/// peer is named in the activity and ends with the generation's cancellation. At a window's end the state stays as it is; the next window goes on from there.
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
    private readonly StepPipeline _pipeline;
    private readonly StepAgreementRound _agreement;
    private readonly StepSlots _stepSlots;
    private readonly WorkerTotals _before;

    public StageExecutor(
        StageAssets assets,
        StageGeneration generation,
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
        _pipeline = new StepPipeline(assets, generation, _mail, activity, _gradients.Pool, _gradients.Push);
        _agreement = new StepAgreementRound(generation, _mail, activity, assets.Spec.NumChunks);
        _before = assets.Totals.Clone();
    }

    /// <summary>Runs a window's evaluation and steps as far as the gate lets it; steps that were acted on already are passed over.</summary>
    /// <param name="window">The window.</param>
    /// <param name="gate">How far this worker may go.</param>
    /// <param name="acted">Called after each step, before its evaluation, with the state as the step left it.</param>
    /// <exception cref="OperationCanceledException">The generation ended, or the worker is to hold before what was under way.</exception>
    public void RunWindow(StepWindow window, StepGate gate, Action<Step> acted)
    {
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
        var slots = _stepSlots(step.MicroBatches.Count, _assets.Spec.Constants.ReductionSlots);
        _gradients.Begin(step.Number, slots);
        try
        {
            var losses = _pipeline.Run(step, slots, clock, cancellationToken);
            var (verdict, gradient) = Agree(step.Number, losses, clock, cancellationToken);
            _activity.Does($"step {step.Number}: optimizer");
            if (verdict.Apply)
                clock.In(StepPhase.Optimizer, () => _optimizer.Apply(_assets.Adapter, gradient, step, (float)verdict.GradNorm));
            _assets.ActedStep = step.Number;
            var hash = clock.In(StepPhase.Optimizer, _assets.Adapter.Hash);
            _report(new WorkerMessage { Step = Report(step.Number, verdict, losses, hash, clock) });
        }
        finally
        {
            _gradients.Release();
        }
    }

    // Own chunks are finished and voted on before the others' are gathered: the vote travels meanwhile.
    private (StepVerdict Verdict, torch.Tensor Gradient) Agree(ulong step, IReadOnlyList<MicroBatchLoss> losses, PhaseClock clock, CancellationToken cancellationToken)
    {
        void WaitingFor(int replica, string what) => _activity.WaitsFor(_mail.WaitText(step, _generation.RankOf((uint)replica, _generation.Place.Stage), what));
        var phase = _generation.NumReplicas > 1 ? StepPhase.Reduce : StepPhase.Optimizer;
        var sums = clock.In(phase, () => _gradients.FinishOwned(WaitingFor, cancellationToken));
        var finite = sums.All(sum => double.IsFinite(sum.SumOfSquares)) && losses.All(loss => double.IsFinite(loss.LossSum));
        var verdict = _agreement.Vote(step, sums, finite, clock, cancellationToken);
        var gradient = clock.In(phase, () => _gradients.Gather(WaitingFor, cancellationToken));
        return (verdict ?? _agreement.TakeVerdict(step, clock, cancellationToken), gradient);
    }

    private StepReport Report(ulong step, StepVerdict verdict, IReadOnlyList<MicroBatchLoss> losses, byte[] hash, PhaseClock clock)
    {
        var totals = _assets.Totals;
        totals.BytesSent = _before.BytesSent + _generation.Link.BytesSent;
        totals.BytesReceived = _generation.Tensors.BytesReceived(_generation.Scope.Job);
        totals.GradientBytesReceived = _before.GradientBytesReceived + _gradients.BytesReceived;
        totals.BaseBytesRead = _assets.Model.BaseBytesRead;
        totals.PeakMemoryBytes = ProcessMemory.PeakBytes;
        return new StepReport
        {
            Scope = _generation.Scope,
            Worker = _generation.Self,
            Place = _generation.Place,
            Step = step,
            Applied = verdict.Apply,
            GradNorm = verdict.GradNorm,
            Losses = { losses },
            StateHash = Google.Protobuf.ByteString.CopyFrom(hash),
            Phases = clock.Read(),
            Totals = totals.Clone(),
        };
    }

    private void Evaluate(ulong step, IReadOnlyList<MicroBatch> evaluation, CancellationToken cancellationToken)
    {
        using var scope = torch.NewDisposeScope();
        var losses = new EvaluationPass(_assets, _generation, _mail, _activity).Run(step, evaluation, cancellationToken);
        if (!_assets.IsLastStage)
            return;
        foreach (var part in losses.Chunk(LossesAReport))
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
