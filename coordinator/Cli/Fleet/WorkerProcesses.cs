using Akka.Actor;
using Akka.Event;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Owns the worker processes of an embedded fleet: starts them, starts dead ones again, kills silent ones, and leaves none behind.</summary>
/// <remarks>
/// The only part of <c>train</c> that a server lacks. A process's end comes as a message of its own life, so those of earlier lives are known as stale.
/// <code>
///   started -> attached -> lost (lease) -> killed -\
///      \----------------> ended -------------------> wait -> started (a new incarnation)
///                             \-> three times before it ever attached -> the fleet is unavailable
/// </code>
/// </remarks>
internal sealed class WorkerProcesses : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan EndDeadline = TimeSpan.FromSeconds(3);
    private readonly WorkerLaunch _launch;
    private readonly IActorRef _directory;
    private readonly RunLog _runLog;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly WorkerSlot[] _slots;
    private IActorRef? _stopper;

    public WorkerProcesses(WorkerLaunch launch, IActorRef directory, RunLog runLog)
    {
        _launch = launch;
        _directory = directory;
        _runLog = runLog;
        _slots = [.. Enumerable.Range(0, launch.Count).Select(index => new WorkerSlot(index, WorkerLaunch.NameOf(index)))];
        Receive<StartLife>(message => Start(_slots[message.Index]));
        Receive<LifeEnded>(End);
        Receive<AttachOverdue>(KillOverdue);
        Receive<FleetSnapshot>(NoteAttached);
        Receive<WorkerLost>(KillLost);
        Receive<FleetUnavailable>(_ => { });
        Receive<FleetLimit>(_ => { });
        Receive<StopWorkers>(_ => Stop());
        Receive<KillWorkers>(_ => KillAll());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(WorkerLaunch launch, IActorRef directory, RunLog log) => Akka.Actor.Props.Create(() => new WorkerProcesses(launch, directory, log));

    protected override void PreStart()
    {
        _directory.Tell(new Subscribe(nameof(WorkerProcesses), Self));
        _directory.Tell(new FleetLimit(_launch.Count));
        foreach (var slot in _slots)
        {
            Start(slot);
        }
    }

    protected override void PostStop() => KillAll();

    private void Start(WorkerSlot slot)
    {
        if (_stopper is not null)
        {
            return;
        }

        try
        {
            slot.Begin(WorkerProcess.Start(_launch, slot.Index, _runLog));
        }
        catch (InvalidInputException failure)
        {
            // What has run before is short of something for a moment; else the program is not there, or is none.
            if (slot.History.EverAttached)
            {
                Retry(slot, TimeSpan.Zero, failure.Message);
            }
            else
            {
                _directory.Tell(new FleetUnavailable(failure.Message));
            }

            return;
        }

        var (index, life) = (slot.Index, slot.Life);
        _ = slot.Process!.Exited.PipeTo(Self, success: exit => new LifeEnded(index, life, exit));
        Timers.StartSingleTimer($"attach-{index}", new AttachOverdue(index, life), StartDeadline);
        _log.Info("{0} is process {1}.", slot.Name, slot.Process.Id);
    }

    private void End(LifeEnded message)
    {
        var slot = _slots[message.Index];
        if (slot.Life != message.Life || slot.Process is null)
        {
            return;
        }

        Timers.Cancel($"attach-{slot.Index}");
        var attached = slot.Attached;
        var lived = slot.End();
        if (_stopper is not null)
        {
            AnswerWhenStopped();
            return;
        }

        _log.Warning("{0} ended with exit code {1}.", slot.Name, message.Exit.ExitCode);
        if (attached is { } key)
        {
            _directory.Tell(new WorkerProcessEnded(key, $"its process ended with exit code {message.Exit.ExitCode}."));
        }

        Retry(slot, lived, SentenceOf(slot.Name, message.Exit));
    }

    private void Retry(WorkerSlot slot, TimeSpan lived, string whyGivenUp)
    {
        var decision = slot.History.Died(lived);
        slot.History = decision.Next;
        if (decision.GiveUp)
        {
            _directory.Tell(new FleetUnavailable(whyGivenUp));
        }
        else
        {
            Timers.StartSingleTimer($"start-{slot.Index}", new StartLife(slot.Index), decision.Delay);
        }
    }

    private void NoteAttached(FleetSnapshot snapshot)
    {
        foreach (var worker in snapshot.Workers)
        {
            if (_slots.FirstOrDefault(slot => slot.Name == worker.Key.WorkerId) is not { Process: not null } slot)
            {
                continue;
            }

            if (!slot.TryAttach(worker.Key))
            {
                continue;
            }

            slot.History = slot.History.Attached();
            Timers.Cancel($"attach-{slot.Index}");
        }
    }

    private void KillLost(WorkerLost lost)
    {
        // One that left is ending by itself, within its own patience.
        if (lost.Left)
        {
            return;
        }

        if (_slots.FirstOrDefault(slot => slot.Attached == lost.Key) is { Process: { } process })
        {
            process.Kill();
        }
    }

    private void KillOverdue(AttachOverdue message)
    {
        var slot = _slots[message.Index];
        if (slot.Life != message.Life || slot.Process is null || slot.Attached is not null)
        {
            return;
        }

        _log.Warning("{0} did not attach within {1} s and is ended.", slot.Name, StartDeadline.TotalSeconds);
        slot.Process.Kill();
    }

    private void Stop()
    {
        _stopper = Sender;
        Timers.CancelAll();
        foreach (var slot in _slots)
        {
            slot.Process?.CloseInput();
        }

        Timers.StartSingleTimer(nameof(KillWorkers), new KillWorkers(), EndDeadline);
        AnswerWhenStopped();
    }

    private void AnswerWhenStopped()
    {
        if (_slots.All(slot => slot.Process is null))
        {
            _stopper.Tell(new WorkersStopped());
        }
    }

    private void KillAll()
    {
        foreach (var slot in _slots)
        {
            slot.Process?.Kill();
        }
    }

    private static string SentenceOf(string name, WorkerExit exit)
    {
        var said = exit.LastLines.Count == 0 ? "it said nothing." : $"it said: {string.Join(" | ", exit.LastLines.TakeLast(3)).TrimEnd('.')}.";
        return $"{name} ended again and again before it attached, the last time with exit code {exit.ExitCode}; {said}";
    }

    /// <summary>Ends all workers; answered by <see cref="WorkersStopped"/> when no process is left.</summary>
    internal sealed record StopWorkers;

    internal sealed record WorkersStopped;

    private sealed record KillWorkers;

    private sealed record StartLife(int Index);

    private sealed record LifeEnded(int Index, int Life, WorkerExit Exit);

    private sealed record AttachOverdue(int Index, int Life);
}
