using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Commit;

/// <summary>Where a layer's state comes from when a generation begins.</summary>
internal enum StateSource
{
    /// <summary>This worker holds it: its own history, a mirror, or a file.</summary>
    Held,

    /// <summary>Another worker gives it.</summary>
    Transfer,

    /// <summary>What the stage was loaded with: the checkpoint, or the initial state.</summary>
    Loaded,
}

/// <summary>One layer's source.</summary>
/// <param name="Layer">The decoder layer.</param>
/// <param name="Source">Where its state comes from.</param>
/// <param name="FromRank">Of a transfer: the giver.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LayerSource(uint Layer, StateSource Source, uint FromRank);

/// <summary>Decides where each layer's state comes from when a generation begins. Pure.</summary>
internal static class StateSources
{
    /// <param name="fromStep">The step whose state the generation begins with.</param>
    /// <param name="layers">The stage's layers that are adapted.</param>
    /// <param name="holds">Whether this worker holds a layer's state after that step.</param>
    /// <param name="rank">This worker's.</param>
    /// <param name="transfers">Who gives what to whom.</param>
    /// <param name="loadedStep">The step of what the stage was loaded with.</param>
    /// <exception cref="WorkerFaultException">A layer's state is nowhere.</exception>
    public static IReadOnlyList<LayerSource> Of(
        ulong fromStep, IEnumerable<uint> layers, Func<uint, bool> holds, uint rank, IReadOnlyList<StateTransfer> transfers, ulong loadedStep) => [.. layers.Select(layer =>
    {
        if (holds(layer))
            return new LayerSource(layer, StateSource.Held, rank);
        if (transfers.FirstOrDefault(transfer => transfer.ToRank == rank && transfer.FromRank != rank && layer >= transfer.FirstLayer && layer <= transfer.LastLayer) is { } given)
            return new LayerSource(layer, StateSource.Transfer, given.FromRank);
        return loadedStep == fromStep
            ? new LayerSource(layer, StateSource.Loaded, rank)
            : throw new WorkerFaultException(
                ErrorCode.Internal,
                $"The generation begins after step {fromStep}, but rank {rank} holds no state of layer {layer} after it, nobody gives it one, and what it loaded is that after step {loadedStep}.");
    })];
}
