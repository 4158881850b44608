using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>Progress as plain lines: what was found in the data, each change of state, at most one line a second for steps, every evaluation seen, whom a standing step waits for, and at the end how the loss went.</summary>
internal sealed class PlainView(TextWriter writer, TimeProvider time) : IProgressView
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(0.25);

    /// <summary>A step in which nothing moves for so long, and for longer than a step took, stands still; well below the lease after which a worker is lost.</summary>
    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(1.1);

    /// <summary>The first step takes long: memory is touched and loops are compiled.</summary>
    private static readonly TimeSpan FirstStep = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly LossCurve _losses = new();
    private string _state = "";
    private double? _evaluation;
    private ulong _step;
    private bool _hasPreflight;
    private DateTimeOffset _lastStepLine = DateTimeOffset.MinValue;
    private JobStatus? _standing;
    private DateTimeOffset _movedAt;
    private ulong _stepSeen;
    private DateTimeOffset _stepSeenAt;
    private TimeSpan _stepTook = FirstStep;

    public async Task<T> ShowAsync<T>(Func<Action<JobStatus>, Task<T>> work)
    {
        // States come when something has changed: it takes a look at the clock to see that nothing has.
        await using var look = time.CreateTimer(_ => Look(), null, LookInterval, LookInterval);
        var result = await work(Show);
        if (_losses.Text is { } curve && Sparkline.CanBeShownIn(writer.Encoding))
        {
            writer.WriteLine(curve);
        }

        return result;
    }

    public void Note(string text)
    {
        using var hold = _gate.EnterScope();
        writer.WriteLine(text);
    }

    private void Show(JobStatus status)
    {
        using var hold = _gate.EnterScope();
        (_standing, _movedAt) = (status, time.GetUtcNow());
        MeasureStep(status);
        ShowPreflight(status);
        ShowState(status);
        ShowEvaluation(status);
        ShowStep(status);
        _losses.Observe(status);
    }

    private void MeasureStep(JobStatus status)
    {
        if (status.Step == _stepSeen)
        {
            return;
        }

        _stepTook = _stepSeen > 0 ? _movedAt - _stepSeenAt : _stepTook;
        (_stepSeen, _stepSeenAt) = (status.Step, _movedAt);
    }

    private void Look()
    {
        using var hold = _gate.EnterScope();
        if (_standing is not { State: JobState.Running } status || time.GetUtcNow() - _movedAt < (_stepTook > Standstill ? _stepTook : Standstill))
        {
            return;
        }

        _standing = null;
        if (StatusText.Waiting(status) is { Length: > 0 } waits)
        {
            writer.WriteLine(waits);
        }
    }

    private void ShowPreflight(JobStatus status)
    {
        if (_hasPreflight || status.Preflight.Count == 0)
        {
            return;
        }

        _hasPreflight = true;
        foreach (var line in status.Preflight)
        {
            writer.WriteLine(line);
        }
    }

    private void ShowState(JobStatus status)
    {
        var text = status.Reason.Length > 0 ? $"{StatusText.State(status)}: {status.Reason}" : StatusText.State(status);
        if (text == _state)
        {
            return;
        }

        _state = text;
        // How a job failed is said once, by the command.
        if (status.State != JobState.Failed)
        {
            writer.WriteLine(text);
        }
    }

    private void ShowEvaluation(JobStatus status)
    {
        if (!status.HasEvalLoss || status.EvalLoss.Equals(_evaluation))
        {
            return;
        }

        if (status.ResumedStep > 0 && !StatusText.HasStep(status))
        {
            // Of the run before, whose step is not told.
            _evaluation = status.EvalLoss;
            return;
        }

        _evaluation = status.EvalLoss;
        writer.WriteLine($"step {status.Step}/{status.StepsPlanned}  eval loss {StatusText.Loss(status.EvalLoss)}");
    }

    private void ShowStep(JobStatus status)
    {
        if (!StatusText.HasStep(status) || status.Step == _step)
        {
            return;
        }

        var now = time.GetUtcNow();
        if (now - _lastStepLine < Interval && status.Step != status.StepsPlanned)
        {
            return;
        }

        _lastStepLine = now;
        _step = status.Step;
        writer.WriteLine(StatusText.Step(status));
    }
}
