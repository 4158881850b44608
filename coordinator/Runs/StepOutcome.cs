using Google.Protobuf;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What all reports of a step say together; with a problem (one sentence: they cannot all be true) the rest says nothing.</summary>
internal sealed record StepOutcome(bool Applied, double Loss, double GradNorm, ValueList<ByteString> StateHashes, string? Problem)
{
    public static StepOutcome Contradiction(string problem) => new(false, 0, 0, [], problem);
}
