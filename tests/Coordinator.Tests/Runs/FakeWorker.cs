using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>One life of a fake worker: its stage, the states of its last two steps, whose mirror it is.</summary>
internal sealed class FakeWorker(WorkerKey key)
{
    private readonly List<ulong> _history = [];
    private (uint First, uint Last) _layers;

    public WorkerKey Key => key;

    /// <summary>What it said when it joined its newest generation.</summary>
    public GenerationJoined? Told { get; set; }

    /// <summary>The newest one.</summary>
    public StepWindow? Window { get; set; }

    public StageSpec? Stage { get; private set; }

    public ulong Acted { get; private set; }

    public IReadOnlyList<ulong> History => _history;

    /// <summary>The rank before it, whose states it keeps; null: none.</summary>
    public WorkerKey? Mirrored { get; private set; }

    public bool IsAlone => Stage is { NumReplicas: 1, NumStages: 1 };

    /// <summary>The generation in whose name its stage was loaded last.</summary>
    public ulong LoadedGeneration { get; private set; }

    public void Load(LoadStage load) => (Stage, LoadedGeneration) = (load.Stage, load.Scope.Generation);

    /// <summary>Takes the state of the agreed step, from wherever it comes.</summary>
    public void Begin(StartGeneration start, uint rank, WorkerKey? before)
    {
        Assert.Equal(Stage!.Place, new Place { Replica = rank / Stage.NumStages, Stage = rank % Stage.NumStages });
        Assert.All(start.Transfers.Where(transfer => transfer.ToRank == rank), transfer => Assert.True(transfer.FirstLayer >= Stage.FirstLayer && transfer.LastLayer <= Stage.LastLayer));
        (_layers, Mirrored, Acted) = ((Stage.FirstLayer, Stage.LastLayer), before, start.FromStep);
        _history.Clear();
        _history.Add(start.FromStep);
    }

    public void Act(ulong step)
    {
        Acted = step;
        _history.Add(step);
        if (_history.Count > 2)
        {
            _history.RemoveAt(0);
        }
    }

    public IEnumerable<HeldState> States(StateHolding holding, bool late) => _history.SkipLast(late && _history.Count > 1 ? 1 : 0).Select(step => new HeldState
    {
        Step = step,
        FirstLayer = _layers.First,
        LastLayer = _layers.Last,
        Holding = holding,
        Hash = FakeWorkers.Hash(_layers.First, _layers.Last, step),
    });
}
