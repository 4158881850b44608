namespace Orchestrator.Coordinator.Preflight;

/// <summary>Samples with a number of tokens in a range.</summary>
/// <param name="From">Fewest tokens.</param>
/// <param name="To">Most tokens.</param>
/// <param name="Samples">How many there are.</param>
internal sealed record LengthRange(int From, int To, long Samples);
