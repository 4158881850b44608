using Orchestrator.Worker.Adapters;

namespace Orchestrator.Worker.Sessions;

/// <summary>The history of the stage that this worker ran last; a stage that was loaded since may be another one.</summary>
/// <param name="History">Its states.</param>
/// <param name="FirstLayer">First decoder layer.</param>
/// <param name="LastLayer">Last one, inclusive.</param>
internal sealed record HeldStage(AdapterHistory History, uint FirstLayer, uint LastLayer) : IDisposable
{
    public void Dispose() => History.Dispose();
}
