using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Facts about the states of a job.</summary>
internal static class JobStates
{
    public static bool HasEnded(JobState state) => state is JobState.Succeeded or JobState.Failed or JobState.Cancelled;
}
