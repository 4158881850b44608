using Orchestrator.Protos;
using Orchestrator.Worker.Commit;

namespace Orchestrator.Simulation;

/// <summary>What a worker holds of the job across its generations: the states that its own steps made, and another's that are mirrored here.</summary>
internal sealed class SimulatedHoldings
{
    private (IReadOnlyList<ulong> Steps, Dictionary<ulong, SortedDictionary<uint, ulong>> States)? _actedLast;
    private Dictionary<ulong, SortedDictionary<uint, ulong>> _own = [];

    /// <summary>The steps of the stage that was run last; null: this worker has run none.</summary>
    public StateHistory? History { get; private set; }

    /// <summary>The layers of the stage that was run last.</summary>
    public (uint First, uint Last) Ran { get; private set; }

    public MirrorLedger<ulong> Mirrors { get; } = new(_ => { });

    public KnownVerdicts Verdicts { get; } = new();

    /// <summary>The newest state of the stage that is run.</summary>
    public SortedDictionary<uint, ulong> At(ulong step) => _own[step];

    public void Runs(StateHistory history, (uint First, uint Last) layers, ulong step, SortedDictionary<uint, ulong>? taken)
    {
        if (taken is not null)
        {
            if (History is not null)
                _actedLast ??= (History.Steps, _own);
            _own = new() { [step] = taken };
        }

        (History, Ran) = (history, layers);
    }

    /// <summary>This worker has acted in a generation: what it held for the case that it never would is given up.</summary>
    public void Acted(ulong generation)
    {
        Mirrors.EndOlder(generation);
        _actedLast = null;
    }

    /// <summary>A step was acted on.</summary>
    public void Keep(ulong step, SortedDictionary<uint, ulong> state)
    {
        if (History!.Keep(step) is { } dropped)
            _own.Remove(dropped);
        _own[step] = state;
    }

    /// <summary>Goes back to a step; false: it is not held, or another stage was run.</summary>
    public bool BackTo(ulong step, (uint First, uint Last) layers)
    {
        if (History is null || Ran != layers || History.BackTo(step) is not { } given)
            return false;
        foreach (var later in given)
            _own.Remove(later);
        return true;
    }

    /// <summary>A layer's state after a step; null: it is not held.</summary>
    public ulong? Find(ulong step, uint layer, IReadOnlyDictionary<ulong, SortedDictionary<uint, ulong>>? files, StateHolding holding = StateHolding.Unspecified)
    {
        bool Asked(StateHolding where) => holding == where || holding == StateHolding.Unspecified;
        foreach (var (_, states) in Asked(StateHolding.Own) ? Own() : [])
        {
            if (states.TryGetValue(step, out var own) && own.TryGetValue(layer, out var state))
                return state;
        }

        if (Asked(StateHolding.Mirror) && Mirrors.Whole.Where(mirrored => mirrored.Step == step && mirrored.Layers.ContainsKey(layer)).Select(mirrored => (ulong?)mirrored.Layers[layer]).FirstOrDefault() is { } piece)
            return piece;
        return Asked(StateHolding.File) && files?.GetValueOrDefault(step) is { } file && file.TryGetValue(layer, out var written) ? written : null;
    }

    /// <summary>What this worker brings into a generation.</summary>
    public GenerationJoined Join(JobScope scope, IReadOnlyDictionary<ulong, SortedDictionary<uint, ulong>>? files, PendingReports? reports)
    {
        var joined = new GenerationJoined
        {
            Scope = scope,
            ActedStep = History is { Steps.Count: > 0 } history ? history.Steps[^1] : 0,
            Verdicts = { Verdicts.All },
            Reports = History is null ? reports : null,
        };
        joined.States.AddRange(Own().SelectMany(ran => ran.Steps.Select(step => Held(step, ran.States[step], StateHolding.Own))).DistinctBy(state => (state.Step, state.FirstLayer, state.LastLayer)));
        joined.States.AddRange(Mirrors.Whole.DistinctBy(state => (state.Step, state.Seal)).Select(state => Held(state.Step, state.Layers, StateHolding.Mirror)));
        if (files is not null)
            joined.States.AddRange(files.OrderBy(file => file.Key).Select(file => Held(file.Key, file.Value, StateHolding.File)));
        return joined;
    }

    // The newest first.
    private IEnumerable<(IReadOnlyList<ulong> Steps, Dictionary<ulong, SortedDictionary<uint, ulong>> States)> Own() =>
        History is null ? [] : _actedLast is { } before ? [(History.Steps, _own), before] : [(History.Steps, _own)];

    private static HeldState Held(ulong step, IReadOnlyDictionary<uint, ulong> layers, StateHolding holding) =>
        new() { Step = step, FirstLayer = layers.Keys.Min(), LastLayer = layers.Keys.Max(), Holding = holding, Hash = Truth.HashOf(layers) };
}
