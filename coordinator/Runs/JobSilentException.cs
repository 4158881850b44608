namespace Orchestrator.Coordinator.Runs;

/// <summary>Nothing was heard of a job's entity for long.</summary>
internal sealed class JobSilentException(string job, TimeSpan patience)
    : Exception($"Nothing was heard of the job {job} for {patience.TotalSeconds:0} s: its journal may not be readable or writable; the coordinator's log says more.");
