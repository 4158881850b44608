using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>The checkpoints of one run: a folder <c>step-N</c> each, of blobs that workers wrote and the manifest that the coordinator writes last.</summary>
/// <remarks>Without a manifest a checkpoint does not exist. Nothing is shared between two of them. Reads; who writes is <see cref="OwnedCheckpoints"/>.</remarks>
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

    /// <summary>The folder of a step's checkpoint.</summary>
    public string Of(ulong step) => CheckpointFolders.Of(folder, step);

    /// <summary>The steps that have a folder, whole or not.</summary>
    public IReadOnlyList<ulong> Steps() => Directory.Exists(folder)
        ? [.. new DirectoryInfo(folder).EnumerateDirectories().Where(entry => entry.LinkTarget is null).Select(entry => CheckpointFolders.StepOf(entry.Name)).OfType<ulong>()]
        : [];

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
}
