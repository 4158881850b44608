using Google.Protobuf;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Mirrors;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>What a worker holds of a job across its generations: the loaded stage, the states after its last steps, another worker's that are mirrored here.</summary>
/// <remarks>
/// Owns all of it. States stay until this worker has acted in the next generation: nobody does before everybody has a state there, so a change of generation that is broken off by a further one has lost nothing. Changed by the
/// job's command loop and, in between, its compute thread: never by both at once.
/// </remarks>
/// <param name="job">The job.</param>
/// <param name="worker">This worker's name.</param>
/// <param name="cache">Where a lone worker's states are written; null: it has no place for them.</param>
internal sealed class JobHoldings(string job, string worker, string? cache) : IDisposable
{
    private HeldStage? _actedLast;
    private LoadStage? _loaded;
    private AdapterSnapshot? _loadedState;

    /// <summary>The loaded stage.</summary>
    public StageAssets? Assets { get; private set; }

    /// <summary>The stage that was run last; null: this worker has run none of this job.</summary>
    public HeldStage? Ran { get; private set; }

    /// <summary>The step of the state that the stage was loaded with.</summary>
    public ulong LoadedStep => _loaded?.State?.Step ?? 0;

    public JobCounters Counters { get; } = new();

    public KnownVerdicts Verdicts { get; } = new();

    public MirrorStore Mirrors { get; } = new();

    public MirrorFiles? Files { get; } = cache is null ? null : new MirrorFiles(cache, job, worker);

    /// <summary>A stage was loaded, with a state.</summary>
    public void Loaded(LoadStage command, StageAssets assets, AdapterSnapshot? state)
    {
        Assets = assets;
        LoadedAgain(command, state);
    }

    /// <summary>The same stage is to be used in another place of the layout, or with another state; null: with that of its command.</summary>
    public void LoadedAgain(LoadStage command, AdapterSnapshot? state)
    {
        (_loaded, Assets!.Spec) = (command, command.Stage);
        _loadedState?.Dispose();
        _loadedState = state;
    }

    /// <summary>Frees the loaded stage, but no state. Compute thread.</summary>
    public void Unload()
    {
        Assets?.Dispose();
        (Assets, _loaded) = (null, null);
        _loadedState?.Dispose();
        _loadedState = null;
    }

    /// <summary>The state that the stage was loaded with. Compute thread.</summary>
    public AdapterSnapshot LoadedState() =>
        _loadedState ??= StageLoading.StateOf(_loaded ?? throw new InvalidOperationException("nothing is loaded"));

    /// <summary>The stage begins a generation with this history. Compute thread.</summary>
    public void Runs(AdapterHistory history)
    {
        // What was run since the last step was acted on has states that others hold as well.
        if (Ran is { } before && before.History != history)
        {
            if (_actedLast is null)
                _actedLast = before;
            else
                before.Dispose();
        }

        Ran = new HeldStage(history, Assets!.Spec.FirstLayer, Assets.Spec.LastLayer);
        _loadedState?.Dispose();
        _loadedState = null;
    }

    /// <summary>This worker has acted in a generation: what it held for the case that it never would is freed. Compute thread.</summary>
    public void Acted(ulong generation)
    {
        Mirrors.EndOlder(generation);
        _actedLast?.Dispose();
        _actedLast = null;
    }

    /// <summary>A layer's state after a step, one ownership of it the caller's; null: it is not held.</summary>
    /// <param name="step">The step.</param>
    /// <param name="layer">The decoder layer.</param>
    /// <param name="holding">Where it is looked for; unspecified: everywhere.</param>
    public TensorBuffer? Find(ulong step, uint layer, StateHolding holding = StateHolding.Unspecified)
    {
        bool Asked(StateHolding where) => holding == where || holding == StateHolding.Unspecified;
        if (Asked(StateHolding.Own) && OwnLayer(step, layer) is { } own)
            return LayerPieces.Of(own.State, own.Layer);
        return (Asked(StateHolding.Mirror) ? Mirrors.Find(step, layer) : null) ?? (Asked(StateHolding.File) ? Files?.Find(step, layer) : null);
    }

    /// <summary>Whether a layer's state after a step is held anywhere here.</summary>
    public bool Holds(ulong step, uint layer) => OwnLayer(step, layer) is not null || Mirrors.Holds(step, layer) || Files?.Holds(step, layer) == true;

    /// <summary>What this worker brings into a generation.</summary>
    public GenerationJoined Join(JobScope scope)
    {
        var own = Ran?.History.Steps ?? [];
        var (written, reports) = Files?.Read() ?? ([], new PendingReports());
        return new GenerationJoined
        {
            Scope = scope,
            ActedStep = own.Count > 0 ? own[^1] : 0,
            States = { Own().SelectMany(OwnStates).DistinctBy(state => (state.Step, state.FirstLayer, state.LastLayer)).Concat(Mirrors.States()).Concat(written) },
            Verdicts = { Verdicts.All },
            // A life that has run steps reports them itself.
            Reports = Ran is null ? reports : null,
        };
    }

    public void Dispose()
    {
        Unload();
        foreach (var held in Own())
            held.Dispose();
        Mirrors.Dispose();
    }

    // The newest first.
    private IEnumerable<HeldStage> Own() => new[] { Ran, _actedLast }.OfType<HeldStage>();

    private (AdapterSnapshot State, AdapterLayer Layer)? OwnLayer(ulong step, uint layer)
    {
        foreach (var held in Own())
        {
            if (held.History.At(step) is { } state && state.Layout.Layers.FirstOrDefault(adapted => adapted.Layer == layer) is { } found)
                return (state, found);
        }

        return null;
    }

    private static IEnumerable<HeldState> OwnStates(HeldStage held) => held.History.Steps.Select(step => new HeldState
    {
        Step = step,
        FirstLayer = held.FirstLayer,
        LastLayer = held.LastLayer,
        Holding = StateHolding.Own,
        Hash = ByteString.CopyFrom(held.History.At(step)!.Hash()),
    });
}
