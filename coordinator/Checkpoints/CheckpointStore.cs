using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Protos.Faults;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>The checkpoints of one run: a folder <c>step-N</c> each, of blobs that workers wrote and the manifest that the coordinator writes last.</summary>
/// <remarks>
/// Without a manifest a checkpoint does not exist. Nothing is shared between two of them. One writer: the coordinator that owns the run. Touches nothing in the folder but
/// what a checkpoint is made of. Errors are <see cref="IOException"/>.
/// </remarks>
internal sealed class CheckpointStore(string folder)
{
    /// <summary>The folder in a run's output.</summary>
    public const string FolderName = "checkpoints";

    public string Folder => folder;

    /// <summary>The newest checkpoint whose manifest and blobs are what was written; every blob of it is read.</summary>
    /// <exception cref="InvalidInputException">A newer one cannot be read now, so nobody knows whether it is whole: going on from an older one would delete it.</exception>
    public CheckpointSearch Search(CancellationToken cancellationToken)
    {
        var damaged = new List<string>();
        CheckpointManifest? newest = null;
        foreach (var step in Complete().OrderDescending())
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                var manifest = ManifestFile.Read(Of(step));
                newest ??= manifest;
                Check(step, manifest);
                return new CheckpointSearch(manifest, [.. damaged], newest);
            }
            catch (InvalidInputException unreadable) when (IsUnreadable(unreadable.InnerException))
            {
                throw new InvalidInputException($"The checkpoint step-{step} cannot be read: {unreadable.Message} Nothing was changed; make it readable, or begin anew with --overwrite.", unreadable);
            }
            catch (InvalidInputException damage)
            {
                damaged.Add($"The checkpoint step-{step} cannot be used: {damage.Message}");
            }
        }

        return new CheckpointSearch(null, [.. damaged], newest);
    }

    /// <summary>Makes a checkpoint of blobs that are durable.</summary>
    public void Write(CheckpointManifest manifest)
    {
        // The names of the folders, which workers may have made.
        AtomicFile.SyncFolder(Path.GetDirectoryName(folder)!);
        AtomicFile.SyncFolder(folder);
        FaultPoints.Reach(FaultPoint.Manifest, manifest.Step);
        ManifestFile.Write(Of(manifest.Step), manifest);
        FaultPoints.Reach(FaultPoint.ManifestWritten, manifest.Step);
    }

    /// <summary>Deletes what a newer checkpoint makes superfluous.</summary>
    /// <param name="newest">Its step.</param>
    /// <param name="mostKept">Complete checkpoints that stay, the newest among them.</param>
    public void DeleteSurplus(ulong newest, int mostKept)
    {
        foreach (var step in Surplus(newest, Steps(), Complete(), mostKept))
        {
            Delete(Of(step));
        }
    }

    /// <summary>Deletes what lies behind a step: what a run that goes on from there will write anew.</summary>
    public void DeleteAfter(ulong step)
    {
        foreach (var later in Steps().Where(other => other > step))
        {
            Delete(Of(later));
        }
    }

    /// <summary>Deletes all checkpoints, and the folder if nothing else lies in it.</summary>
    public void DeleteAll()
    {
        foreach (var step in Steps())
        {
            Delete(Of(step));
        }

        DeleteIfEmpty(folder);
    }

    /// <summary>The folder of a step's checkpoint.</summary>
    public string Of(ulong step) => CheckpointFolders.Of(folder, step);

    /// <summary>The steps that have a manifest, damaged or not.</summary>
    public IReadOnlyList<ulong> Complete() => [.. Steps().Where(step => File.Exists(Path.Combine(Of(step), ManifestFile.Name)))];

    /// <summary>Why a blob of a checkpoint cannot be used, in one sentence; null: it is what was written.</summary>
    public static string? Damage(string checkpoint, StateBlob blob)
    {
        try
        {
            Check(checkpoint, blob);
            return null;
        }
        catch (InvalidInputException damage)
        {
            return damage.Message;
        }
    }

    /// <summary>Which checkpoints go once a newer one is durable: the oldest complete ones over the limit, and older ones that never became complete.</summary>
    /// <remarks>Pure.</remarks>
    internal static IEnumerable<ulong> Surplus(ulong newest, IEnumerable<ulong> steps, IReadOnlyCollection<ulong> complete, int mostKept)
    {
        var kept = complete.Where(step => step <= newest).OrderDescending().Take(mostKept).ToHashSet();
        return steps.Where(step => step < newest && !kept.Contains(step)).Order();
    }

    private void Check(ulong step, CheckpointManifest manifest)
    {
        if (manifest.Step != step)
        {
            throw new InvalidInputException($"its manifest is that of step {manifest.Step}.");
        }

        foreach (var blob in manifest.Blobs)
        {
            Check(Of(step), blob);
        }
    }

    private static void Check(string checkpoint, StateBlob blob)
    {
        string Sentence(string what) => $"the state of layer {blob.Layer} ({blob.Sha256[..12]}….blob) {what}.";
        var file = Path.Combine(checkpoint, CheckpointFolders.FileOf(blob.Sha256));
        if (Directory.Exists(file))
        {
            throw new InvalidInputException(Sentence("is damaged: a folder lies in its place"));
        }

        try
        {
            using var reader = BlobReader.Open(file, blob.Sha256);
            if (reader.Bytes != blob.Bytes)
            {
                throw new InvalidInputException(Sentence($"is damaged: it has {reader.Bytes} bytes where the manifest says {blob.Bytes}"));
            }
        }
        catch (BlobFormatException damage)
        {
            throw new InvalidInputException(Sentence($"is damaged: {damage.Rule}"), damage);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(Sentence($"{(IsUnreadable(unreadable) ? "cannot be read" : "is damaged")}: {ReadFailure.Reason(unreadable)}"), unreadable);
        }
    }

    // It may be whole: permissions, a device's or a network's error. What is not there, or ends too early, is not.
    private static bool IsUnreadable(Exception? failure) =>
        failure is UnauthorizedAccessException or (IOException and not (BlobFormatException or FileNotFoundException or DirectoryNotFoundException or EndOfStreamException));

    private List<ulong> Steps() => Directory.Exists(folder)
        ? [.. new DirectoryInfo(folder).EnumerateDirectories().Where(entry => entry.LinkTarget is null).Select(entry => CheckpointFolders.StepOf(entry.Name)).OfType<ulong>()]
        : [];

    // The manifest first, and durably: a checkpoint that is half gone does not exist.
    private static void Delete(string checkpoint)
    {
        File.Delete(Path.Combine(checkpoint, ManifestFile.Name));
        AtomicFile.SyncFolder(checkpoint);
        foreach (var file in Directory.EnumerateFiles(checkpoint).Where(file => IsOurs(Path.GetFileName(file))))
        {
            File.Delete(file);
        }

        DeleteIfEmpty(checkpoint);
    }

    // Blobs, and what was under way when a writer died.
    private static bool IsOurs(string name) => name.EndsWith(".blob", StringComparison.Ordinal) || (name.StartsWith('.') && name.EndsWith(".tmp", StringComparison.Ordinal));

    private static void DeleteIfEmpty(string path)
    {
        if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
        {
            Directory.Delete(path);
        }
    }
}
