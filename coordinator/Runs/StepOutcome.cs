using Google.Protobuf;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What all reports of a step say together; with a problem (one sentence: they cannot all be true) the rest says nothing.</summary>
internal sealed record StepOutcome(bool Applied, double Loss, double GradNorm, ValueList<ByteString> StateHashes, string? Problem)
{
    /// <summary>The sum over the stages, which no layout changes; empty where a stage has not reported.</summary>
    public ByteString StateHash => StateHashSum.Of(StateHashes);

    public static StepOutcome Contradiction(string problem) => new(false, 0, 0, [], problem);
}
