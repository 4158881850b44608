using Orchestrator.Protos;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Simulation;

/// <summary>A worker's part in one generation: takes its state, then runs windows. What may be done when is <see cref="StepCommit"/>'s to say.</summary>
internal sealed class SimulatedGeneration
{
    private readonly World _world;
    private readonly SimulatedWorker _worker;
    private readonly SimulatedPart _part;
    private readonly StartGeneration _command;
    private readonly Queue<Action> _work = new();
    private readonly List<Action> _saving = [];
    private readonly Dictionary<(uint From, uint Layer), ulong> _received = [];
    private IReadOnlyList<LayerSource> _sources = [];
    private SimulatedSteps? _steps;
    private bool _isTroubled;

    public SimulatedGeneration(SimulatedWorker worker, SimulatedPart part, StartGeneration command, uint rank, IReadOnlyList<Peer> peers)
    {
        (_worker, _part, _command, Rank, Peers, _world) = (worker, part, command, rank, peers, worker.World);
        Windows = new OpenedWindows(World.Job, command.Scope.Generation);
    }

    public JobScope Scope => _command.Scope;

    public uint Rank { get; }

    public IReadOnlyList<Peer> Peers { get; }

    public OpenedWindows Windows { get; }

    public bool IsBrokenOff { get; private set; }

    /// <summary>Its state is not here yet.</summary>
    public bool IsStarting { get; private set; }

    public bool HasState => _steps is not null;

    public StageSpec Stage => _part.Loaded!.Stage;

    public SimulatedSteps? Steps => _steps;

    public (uint First, uint Last) Layers => (Stage.FirstLayer, Stage.LastLayer);

    /// <summary>Ends every wait.</summary>
    public void BreakOff()
    {
        IsBrokenOff = true;
        IsStarting = false;
    }

    /// <summary>Does something later, if this generation has not been broken off by then.</summary>
    public void In(double delay, Action action) => _worker.In(delay, () =>
    {
        if (!IsBrokenOff)
            _part.Guard(action);
    });

    public void Start(bool hasAPlace)
    {
        foreach (var transfer in _command.Transfers.Where(transfer => transfer.FromRank == Rank && transfer.ToRank != Rank))
            Give(transfer);
        if (!hasAPlace)
            return;
        if (_part.Holdings.BackTo(_command.FromStep, Layers))
        {
            Begin(_part.Holdings.History!, taken: null);
            return;
        }

        var files = _world.FilesOf(_worker.Key.WorkerId);
        _sources = StateSources.Of(
            _command.FromStep, LayersOf(), layer => _part.Holdings.Find(_command.FromStep, layer, files) is not null, Rank, _command.Transfers, _part.Loaded!.State?.Step ?? 0);
        IsStarting = true;
        TakeState();
    }

    /// <summary>Something came from a peer of this generation.</summary>
    public void Hear(SimulatedTensor tensor)
    {
        if (tensor.IsMirror)
        {
            Mirror(tensor);
        }
        else if (_received.TryAdd((tensor.From, tensor.Layer), tensor.State) && IsStarting)
        {
            TakeState();
            _part.Go();
        }
    }

    public void Enqueue(StepWindow window)
    {
        _work.Enqueue(() => _steps!.Run(window));
        _steps!.GoOn();
    }

    public void Hold()
    {
        _steps!.Gate.Hold();
        _work.Enqueue(() => _worker.Post(new WorkerMessage { Held = new StepsHeld { Scope = Scope, Step = _steps.ActedStep } }));
        _steps.GoOn();
    }

    public void Save(SaveState command)
    {
        _steps!.Gate.HoldAfter(command.Step);
        _work.Enqueue(() => Save(command.Step));
        _steps.GoOn();
    }

    /// <summary>The next thing for the compute thread; false: there is none.</summary>
    public bool NextWork()
    {
        if (!_work.TryDequeue(out var work))
            return false;
        work();
        return true;
    }

    /// <summary>The state after a step is written, a blob a layer.</summary>
    public void Save(ulong step)
    {
        var state = _part.Holdings.At(step);
        var saved = new StateSaved { Scope = Scope, Place = Stage.Place, Step = step };
        saved.Blobs.AddRange(state.Select(layer => new StateBlob { Layer = layer.Key, Sha256 = _world.WriteBlob(step, layer.Key, layer.Value), Bytes = 100 }));
        void Written()
        {
            if (_saving.Remove(Written))
                _worker.Post(new WorkerMessage { StateSaved = saved });
        }

        _saving.Add(Written);
        _worker.In(_world.Dice.NextDouble() * 0.5, Written);
    }

    public void FinishSaving()
    {
        foreach (var written in _saving.ToList())
            written();
    }

    /// <summary>A peer stays away: the worker says so and waits where it is.</summary>
    public void Troubled(uint rank)
    {
        if (IsBrokenOff || _isTroubled)
            return;
        _isTroubled = true;
        _worker.Post(new WorkerMessage
        {
            Failure = new WorkerFailure
            {
                Scope = Scope,
                Peer = Peers[(int)rank].Worker,
                Failure = new Failure { Code = ErrorCode.PeerUnreachable, Message = $"{_worker.Key} cannot reach {Peers[(int)rank].Worker.WorkerId} (rank {rank})." },
            },
        });
    }

    public void SendState(uint to, ulong step, uint layer, ulong state, MirrorSeal? seal, bool isMirror, Action? received) =>
        _world.Network.Send(_worker, this, to, other => other.Hear(new SimulatedTensor(Scope.Generation, step, Rank, layer, state, seal, isMirror)), received);

    private IEnumerable<uint> LayersOf() => Enumerable.Range((int)Stage.FirstLayer, (int)(Stage.LastLayer - Stage.FirstLayer + 1)).Select(layer => (uint)layer);

    private void Give(StateTransfer transfer)
    {
        var files = _world.FilesOf(_worker.Key.WorkerId);
        for (var layer = transfer.FirstLayer; layer <= transfer.LastLayer; layer++)
        {
            if (_part.Holdings.Find(_command.FromStep, layer, files, transfer.Holding) is not { } state)
                throw new InvalidOperationException($"the state after step {_command.FromStep} of layer {layer} is to be given to rank {transfer.ToRank}, but none is held ({transfer.Holding})");
            SendState(transfer.ToRank, _command.FromStep, layer, state, seal: null, isMirror: false, received: null);
        }
    }

    private void TakeState()
    {
        if (_sources.Any(source => source.Source == StateSource.Transfer && !_received.ContainsKey((source.FromRank, source.Layer))))
            return;
        var files = _world.FilesOf(_worker.Key.WorkerId);
        var taken = new SortedDictionary<uint, ulong>();
        foreach (var source in _sources)
        {
            taken[source.Layer] = source.Source switch
            {
                StateSource.Held => _part.Holdings.Find(_command.FromStep, source.Layer, files)!.Value,
                StateSource.Transfer => _received[(source.FromRank, source.Layer)],
                _ => _part.Loaded!.State is { } saved ? _world.ReadBlob(saved.Blobs.First(blob => blob.Layer == source.Layer).Sha256) : _world.Truth.StateOf(source.Layer, 0),
            };
        }

        var history = new StateHistory();
        history.Keep(_command.FromStep);
        _part.Guard(() => Begin(history, taken));
    }

    private void Begin(StateHistory history, SortedDictionary<uint, ulong>? taken)
    {
        IsStarting = false;
        _part.Holdings.Runs(history, Layers, _command.FromStep, taken);
        _steps = new SimulatedSteps(_worker, _part, this, _command);
        _worker.Post(new WorkerMessage { GenerationReady = new GenerationReady { Scope = Scope, Step = _command.FromStep, StateHash = Truth.HashOf(_part.Holdings.At(_command.FromStep)) } });
    }

    private void Mirror(SimulatedTensor tensor)
    {
        if (_part.Loaded is null || MirrorRule.MirroredBy(Rank, (int)Stage.NumReplicas, (int)Stage.NumStages) != tensor.From || !_command.Mirror)
            return;
        if (tensor.Seal is { } seal)
            _part.Holdings.Mirrors.Seal(Scope.Generation, tensor.Step, seal);
        else
            _part.Holdings.Mirrors.Add(Scope.Generation, tensor.Step, tensor.Layer, tensor.State);
    }
}

/// <summary>A state of one layer, or a mirror's seal, on its way between two workers.</summary>
internal sealed record SimulatedTensor(ulong Generation, ulong Step, uint From, uint Layer, ulong State, MirrorSeal? Seal, bool IsMirror);
