namespace Orchestrator.Coordinator.Storage;

/// <summary>A later owner has taken a folder over: nothing more may be written into it from here.</summary>
/// <param name="owner">The workspace of the later one.</param>
/// <param name="cause">What could not be written; null: the later owner was there before anything was.</param>
internal sealed class OwnershipLostException(string owner, Exception? cause = null) : IOException($"{owner} says that it belongs to a later owner", cause)
{
    /// <summary>The workspace of the later owner.</summary>
    public string Owner => owner;
}
