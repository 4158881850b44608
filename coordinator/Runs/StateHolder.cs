using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A worker and the states that it holds.</summary>
internal sealed record StateHolder(WorkerKey Worker, ValueList<HeldState> States)
{
    /// <summary>Whether it holds a layer's state after a step.</summary>
    public bool Holds(ulong step, int layer) => States.Any(state => Covers(state, step, layer));

    /// <summary>Whether it holds a layer's state after a step in a certain way.</summary>
    public bool Holds(ulong step, int layer, StateHolding holding) => States.Any(state => state.Holding == holding && Covers(state, step, layer));

    private static bool Covers(HeldState state, ulong step, int layer) => state.Step == step && state.FirstLayer <= layer && layer <= state.LastLayer;
}
