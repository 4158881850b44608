namespace Orchestrator.Chaos;

/// <summary>A fault that was done, and when.</summary>
internal sealed record DoneFault(Fault Fault, DateTimeOffset Time);
