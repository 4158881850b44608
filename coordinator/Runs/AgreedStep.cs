namespace Orchestrator.Coordinator.Runs;

/// <summary>The step from which a new generation goes on.</summary>
/// <remarks>Pure.</remarks>
internal static class AgreedStep
{
    /// <summary>The largest step whose state is to be had for every layer, from a worker or from the newest checkpoint.</summary>
    /// <param name="layers">The adapted layers: the others have no state.</param>
    /// <param name="holders">The workers that have joined.</param>
    /// <param name="checkpoint">The step of the newest durable checkpoint; 0: the initial state, which is always to be had.</param>
    /// <param name="limit">The last step that is committed or can be: a later state would leave a step without an account.</param>
    public static ulong Of(IReadOnlyCollection<int> layers, IReadOnlyCollection<StateHolder> holders, ulong checkpoint, ulong limit)
    {
        var steps = holders.SelectMany(holder => holder.States).Select(state => state.Step).Where(step => step > checkpoint && step <= limit).Distinct().OrderDescending();
        return steps.FirstOrDefault(step => layers.All(layer => holders.Any(holder => holder.Holds(step, layer))), checkpoint);
    }
}
