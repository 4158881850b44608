using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a run's files of lines have to hold when somebody takes the run up again.</summary>
/// <remarks>
/// Pure. Lines are functions of the journal's events, so the journal's are written anew, whatever of them stands in the file: broken ones, none, or some twice. Before them
/// lie those of earlier journals, which a run that goes on keeps.
/// </remarks>
internal static class RecoveredLines
{
    /// <summary>Without what was broken off at the end.</summary>
    public static byte[] Whole(byte[] file) => file[..(Array.LastIndexOf(file, (byte)'\n') + 1)];

    /// <summary>Whether a file has a line.</summary>
    public static bool Holds(byte[] file, string line) => file.AsSpan().IndexOf(LineFile.BytesOf([line])) >= 0;

    /// <summary>events.jsonl: whole lines of earlier journals, which end where the first one of this journal stands or where the file does, and this journal's.</summary>
    public static byte[] Events(byte[] file, IReadOnlyList<string> journal)
    {
        var earlier = Whole(file);
        var at = journal.Count == 0 ? -1 : earlier.AsSpan().IndexOf(LineFile.BytesOf([journal[0]]));
        return [.. at < 0 ? earlier : earlier[..at], .. LineFile.BytesOf(journal)];
    }

    /// <summary>metrics.jsonl: what an earlier journal's checkpoint keeps, and this journal's lines.</summary>
    public static byte[] Metrics(byte[] file, CheckpointManifest? checkpoint, IReadOnlyList<string> journal) =>
        [.. file[..MetricsLines.BytesUpTo(file, checkpoint)], .. LineFile.BytesOf(journal)];
}
