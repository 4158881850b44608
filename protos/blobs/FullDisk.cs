namespace Orchestrator.Protos.Blobs;

/// <summary>Knows by an error that the disk, or the user's share of it, is full.</summary>
public static class FullDisk
{
    // The system's numbers of ENOSPC and EDQUOT, which the runtime hands on.
    private const int NoSpaceLeft = 28;
    private const int QuotaExceeded = 122;

    /// <summary>Whether there was no room; errors that were made here have no number and are known by the system's words in them.</summary>
    public static bool Is(IOException error) =>
        (error.HResult & 0xFFFF) is NoSpaceLeft or QuotaExceeded
        || error.Message.Contains("No space left", StringComparison.Ordinal) || error.Message.Contains("Disk quota exceeded", StringComparison.Ordinal);
}
