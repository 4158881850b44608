using System.Globalization;

namespace Orchestrator.Protos.Blobs;

/// <summary>Where a checkpoint lies: both sides write into the same folder.</summary>
public static class CheckpointFolders
{
    private const string Prefix = "step-";

    /// <summary>The folder of a step's checkpoint.</summary>
    public static string Of(string checkpoints, ulong step) => Path.Combine(checkpoints, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step}"));

    /// <summary>The file of a blob.</summary>
    public static string FileOf(string sha256) => $"{sha256}.blob";

    /// <summary>The step of a folder's name; null: it is no checkpoint's.</summary>
    public static ulong? StepOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && ulong.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step)
            && string.Equals(name, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step}"), StringComparison.Ordinal)
            ? step
            : null;
}
