using Orchestrator.Protos;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Sessions;
using Orchestrator.Worker.Transfer;
using Body = Orchestrator.Protos.CoordinatorMessage.BodyOneofCase;

namespace Orchestrator.Simulation;

/// <summary>A worker's part in the job: commands one after another, the generations that it goes through.</summary>
internal sealed class SimulatedPart(SimulatedWorker worker)
{
    private readonly Queue<CoordinatorMessage> _commands = new();
    private readonly World _world = worker.World;
    private readonly HashSet<(ulong Step, bool Evaluation, uint Rank)> _arrived = [];
    private LoadStage? _loaded;
    private GenerationJoined? _joined;
    private SimulatedGeneration? _running;
    private ulong _least;
    private ulong _opened;
    private StageSpec? _loading;
    private bool _isOver;
    private JobScope _scope = new();

    public SimulatedHoldings Holdings { get; } = new();

    public AgreementInbox Agreements { get; } = new();

    /// <summary>The generation that peers may speak of, and whether it has started here.</summary>
    public (ulong Generation, bool Started) Access { get; private set; }

    public LoadStage? Loaded => _loaded;

    /// <summary>The generation that this worker is in; null: it is between two.</summary>
    public SimulatedGeneration? Current => _running is { IsBrokenOff: false } running ? running : null;

    public void Handle(CoordinatorMessage message)
    {
        if (message.BodyCase == Body.Join)
            BreakOffBefore(message.Join.Scope.Generation);
        _commands.Enqueue(message);
        Go();
    }

    /// <summary>Goes on with the commands that wait.</summary>
    public void Go()
    {
        while (!_isOver && _running is not { IsStarting: true } && _commands.TryPeek(out var message) && !WaitsForTheStage(message))
            Guard(() => HandleOne(_commands.Dequeue()));
    }

    // A newer generation's question does not wait for what is being loaded, and another stage breaks it off.
    private bool WaitsForTheStage(CoordinatorMessage message) => _loading is { } loading && message.BodyCase != Body.Join
        && (message.BodyCase != Body.LoadStage || StageComparison.IsSame(loading, message.LoadStage.Stage));

    public void End()
    {
        _isOver = true;
        _running?.BreakOff();
        Agreements.Close(World.Job);
    }

    /// <summary>Does something whose failure is the job's, here.</summary>
    public void Guard(Action action)
    {
        if (_isOver)
            return;
        try
        {
            action();
        }
        catch (Exception e) when (e is not ViolationException)
        {
            _world.Trace.Note("{0} fails: {1}", worker, e.Message);
            _isOver = true;
            _running?.BreakOff();
            worker.Post(new WorkerMessage { Failure = new WorkerFailure { Scope = _scope, Failure = new Failure { Code = ErrorCode.Internal, Message = e.Message } } });
        }
    }

    /// <summary>Whether a vote or a verdict of the generation has come; a verdict's rank is the largest number.</summary>
    public bool HasArrived((ulong Step, bool Evaluation, uint Rank) key) => _arrived.Contains(key);

    public void Hear(StepVote vote) => Deliver((vote.Step, vote.Evaluation, vote.Rank), () => Agreements.Deliver(vote));

    public void Hear(StepVerdict verdict) => Deliver((verdict.Step, verdict.Evaluation, uint.MaxValue), () => Agreements.Deliver(verdict));

    public void Hear(SimulatedTensor tensor)
    {
        if (Current is { } running && running.Scope.Generation == tensor.Generation)
            Guard(() => running.Hear(tensor));
    }

    private void Deliver((ulong Step, bool Evaluation, uint Rank) key, Func<bool> deliver)
    {
        var stale = Agreements.StaleDropped;
        _world.Check.That(deliver(), $"{worker} is told two things of step {key.Step}");
        if (Agreements.StaleDropped == stale && _arrived.Add(key))
            Current?.Steps?.Drive();
    }

    private void Open(ulong generation)
    {
        if (_opened != generation)
            _arrived.Clear();
        _opened = generation;
        Agreements.Open(World.Job, generation);
    }

    private void BreakOffBefore(ulong generation)
    {
        _least = Math.Max(_least, generation);
        if (_running is { } running && running.Scope.Generation < generation)
            running.BreakOff();
    }

    private void HandleOne(CoordinatorMessage message)
    {
        switch (message.BodyCase)
        {
            case Body.LoadStage:
                _scope = message.LoadStage.Scope;
                Load(message.LoadStage);
                break;
            case Body.Join:
                _scope = message.Join.Scope;
                Join(message.Join);
                break;
            case Body.StartGeneration:
                _scope = message.StartGeneration.Scope;
                Start(message.StartGeneration);
                break;
            case Body.Window when Current is { HasState: true } running && running.Windows.Open(message.Window, worker.Outbox):
                running.Enqueue(message.Window);
                break;
            case Body.Hold when Current is { HasState: true } held:
                held.Hold();
                break;
            case Body.SaveState when Current is { HasState: true } saving:
                saving.Save(message.SaveState);
                break;
            default:
                break;
        }
    }

    private void Load(LoadStage command)
    {
        var isSame = _loaded is { } loaded && StageComparison.IsSame(loaded.Stage, command.Stage);
        if (Current is not null)
        {
            if (!isSame)
                throw new InvalidOperationException($"layers {command.Stage.FirstLayer} to {command.Stage.LastLayer} are to be loaded while a generation runs with others");
            ReportLoaded(command);
            return;
        }

        if (isSame)
        {
            _loaded = command;
            ReportLoaded(command);
            return;
        }

        (_loading, _loaded) = (command.Stage, null);
        worker.In(0.02 + (_world.Dice.NextDouble() * 0.4), () =>
        {
            if (!ReferenceEquals(_loading, command.Stage))
                return;
            (_loading, _loaded) = (null, command);
            ReportLoaded(command);
            Go();
        });
    }

    private void ReportLoaded(LoadStage command) =>
        worker.Post(new WorkerMessage { StageLoad = new StageLoadReport { Scope = command.Scope, LayersLoaded = command.Stage.LastLayer - command.Stage.FirstLayer + 1, BaseBytesRead = 1000, Done = true } });

    private void Join(JoinGeneration command)
    {
        var scope = command.Scope;
        if (_joined?.Scope.Generation != scope.Generation)
        {
            if (_running?.Scope.Generation == scope.Generation)
                return;
            Leave();
            Access = (scope.Generation, false);
            Open(scope.Generation);
            _joined = Holdings.Join(scope, _world.FilesOf(worker.Key.WorkerId), _world.ReportsOf(worker.Key.WorkerId));
            worker.Outbox.PeersAreBack(World.Job, scope.Generation);
            _world.Trace.Note("{0} joins generation {1}: acted on {2}, holds {3}", worker, scope.Generation, _joined.ActedStep, _joined.States);
        }

        worker.Post(new WorkerMessage { Joined = _joined });
    }

    private void Start(StartGeneration command)
    {
        if (_running?.Scope.Generation >= command.Scope.Generation)
            return;
        Leave();
        var peers = command.Peers.OrderBy(peer => peer.Rank).ToList();
        var self = peers.Find(peer => peer.Worker.Equals(worker.Identity)) ?? throw new InvalidOperationException($"{worker} is none of the {peers.Count} workers of the generation that it is to start");
        var hasAPlace = PlaceRule.HasAPlace(command, self.Rank);
        if (hasAPlace)
        {
            PlaceRule.Check(_loaded?.Stage, command, self.Rank);
        }

        _running = new SimulatedGeneration(worker, this, command, self.Rank, peers);
        Access = (command.Scope.Generation, true);
        Open(command.Scope.Generation);
        if (_least > command.Scope.Generation)
            _running.BreakOff();
        else
            _running.Start(hasAPlace);
    }

    // States that are being written are written first: what tells of them comes before the answer.
    private void Leave()
    {
        _running?.BreakOff();
        _running?.FinishSaving();
        _running = null;
    }
}
