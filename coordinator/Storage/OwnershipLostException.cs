namespace Orchestrator.Coordinator.Storage;

/// <summary>Another owner has taken a folder over, or has removed what it was owned by: nothing more may be written into it from here.</summary>
internal sealed class OwnershipLostException(string folder, Exception? cause = null)
    : IOException($"{folder} belongs to another coordinator or job now, which has taken it over", cause);
