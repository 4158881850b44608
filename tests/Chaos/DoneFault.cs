namespace Orchestrator.Chaos;

/// <summary>A fault that was done.</summary>
/// <param name="Fault">The fault, with the worker that it was done to.</param>
/// <param name="Time">When.</param>
/// <param name="Step">The newest step that was committed then.</param>
internal sealed record DoneFault(Fault Fault, DateTimeOffset Time, int Step);
