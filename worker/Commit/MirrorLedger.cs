using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Commit;

/// <summary>Says of a mirrored state what it consists of: it comes after the layers, and makes the state whole.</summary>
/// <param name="FirstLayer">First decoder layer of the stage.</param>
/// <param name="LastLayer">Last one, inclusive.</param>
/// <param name="Layers">How many of them are adapted: as many contents belong to it.</param>
/// <param name="HashLow">First half of the state's hash.</param>
/// <param name="HashHigh">Second half.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MirrorSeal(uint FirstLayer, uint LastLayer, uint Layers, ulong HashLow, ulong HashHigh);

/// <summary>A state of another worker, or what has come of it.</summary>
/// <typeparam name="T">What a layer's state is held as.</typeparam>
internal sealed class MirroredState<T>(ulong generation, ulong step)
{
    private readonly SortedDictionary<uint, T> _layers = [];

    public ulong Generation => generation;

    public ulong Step => step;

    /// <summary>What it consists of, once that has come.</summary>
    public MirrorSeal? Seal { get; set; }

    /// <summary>The layers' contents that have come.</summary>
    public IReadOnlyDictionary<uint, T> Layers => _layers;

    /// <summary>Nothing of it is missing.</summary>
    public bool IsWhole => Seal is { } seal && _layers.Count == seal.Layers;

    /// <summary>Adds a layer's content; false: it has come before.</summary>
    public bool Add(uint layer, T content) => _layers.TryAdd(layer, content);
}

/// <summary>Which states of the worker that is mirrored here are held: the last two whole ones of a generation, and the one that is coming.</summary>
/// <remarks>
/// Those of an older generation are held until <see cref="EndOlder"/>: until this worker has acted in the newer one they may be what it begins with. Nobody acts on
/// a step before everybody's state of the step before is mirrored, so then they are not needed any more. Pure; for one thread at a time.
/// </remarks>
/// <typeparam name="T">What a layer's state is held as.</typeparam>
/// <param name="drop">Told of every content that is given up.</param>
internal sealed class MirrorLedger<T>(Action<T> drop)
{
    private readonly List<MirroredState<T>> _states = [];

    /// <summary>The whole ones, the oldest first.</summary>
    public IEnumerable<MirroredState<T>> Whole => _states.Where(state => state.IsWhole);

    /// <summary>Whether a layer's content is here.</summary>
    public bool Knows(ulong generation, ulong step, uint layer) => Find(generation, step) is { } state && state.Layers.ContainsKey(layer);

    /// <summary>The contents of a state that have come.</summary>
    public IEnumerable<T> Contents(ulong generation, ulong step) => Find(generation, step)?.Layers.Values ?? [];

    /// <summary>A layer's content of a state has come.</summary>
    /// <returns>False: it is not taken, for it came before, or a later step's have begun to come.</returns>
    public bool Add(ulong generation, ulong step, uint layer, T content)
    {
        if (Of(generation, step) is not { } state || !state.Add(layer, content))
            return false;
        Settle(state);
        return true;
    }

    /// <summary>What a state consists of has come.</summary>
    public void Seal(ulong generation, ulong step, MirrorSeal seal)
    {
        if (Of(generation, step) is not { } state)
            return;
        state.Seal = seal;
        Settle(state);
    }

    /// <summary>This worker has acted in a generation: the states of older ones are not needed any more.</summary>
    public void EndOlder(ulong generation) => Drop(state => state.Generation < generation);

    /// <summary>Gives everything up.</summary>
    public void Clear() => Drop(_ => true);

    /// <summary>Gives states up.</summary>
    public void Drop(Func<MirroredState<T>, bool> which)
    {
        foreach (var state in _states.Where(which).ToArray())
        {
            foreach (var content in state.Layers.Values)
                drop(content);
            _states.Remove(state);
        }
    }

    private MirroredState<T>? Find(ulong generation, ulong step) => _states.Find(state => state.Generation == generation && state.Step == step);

    // A sender begins a state after the one before is whole: of what is not whole only the newest may come to be.
    private MirroredState<T>? Of(ulong generation, ulong step)
    {
        if (Find(generation, step) is { } known)
            return known;
        if (_states.Exists(state => state.Generation == generation && state.Step > step))
            return null;
        Drop(state => state.Generation == generation && !state.IsWhole);
        var begun = new MirroredState<T>(generation, step);
        _states.Add(begun);
        return begun;
    }

    private void Settle(MirroredState<T> changed)
    {
        if (!changed.IsWhole)
            return;
        var old = Whole.Where(state => state.Generation == changed.Generation).OrderByDescending(state => state.Step).Skip(StateHistory.Kept).ToHashSet();
        Drop(old.Contains);
    }
}
