using Orchestrator.Coordinator.Storage;
using Orchestrator.Protos.Blobs;
using Orchestrator.Protos.Faults;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>The checkpoints of a run for whoever owns it: makes them of blobs that workers wrote, and deletes them.</summary>
/// <remarks>
/// A manifest comes by one rename and goes by one, first, and only for as long as nobody else has taken the run over. Touches nothing in the folder but what a checkpoint is made of.
/// Errors are <see cref="IOException"/>.
/// </remarks>
internal sealed class OwnedCheckpoints
{
    private readonly CheckpointStore _store;
    private readonly FolderOwnership _owner;

    private OwnedCheckpoints(CheckpointStore store, FolderOwnership owner) => (_store, _owner) = (store, owner);

    /// <summary>Takes the folder over; it is made if it is not there.</summary>
    /// <inheritdoc cref="FolderOwnership.Take"/>
    public static OwnedCheckpoints Take(CheckpointStore store, string line, ulong fence) => new(store, FolderOwnership.Take(store.Folder, line, fence));

    /// <summary>Makes a checkpoint of blobs that are durable.</summary>
    public void Write(CheckpointManifest manifest)
    {
        // The names of the folders, which workers may have made.
        AtomicFile.SyncFolder(Path.GetDirectoryName(_store.Folder)!);
        AtomicFile.SyncFolder(_store.Folder);
        FaultPoints.Reach(FaultPoint.Manifest, manifest.Step);
        _owner.PublishFile(Path.Combine(_store.Of(manifest.Step), ManifestFile.Name), stream => stream.Write(ManifestFile.ToBytes(manifest)));
        FaultPoints.Reach(FaultPoint.ManifestWritten, manifest.Step);
    }

    /// <summary>Deletes what a newer checkpoint makes superfluous.</summary>
    /// <param name="newest">Its step.</param>
    /// <param name="mostKept">Complete checkpoints that stay, the newest among them.</param>
    public void DeleteSurplus(ulong newest, int mostKept) => Delete(Surplus(newest, _store.Steps(), _store.Complete(), mostKept));

    /// <summary>Deletes what lies behind a step: what a run that goes on from there will write anew.</summary>
    public void DeleteAfter(ulong step) => Delete(_store.Steps().Where(other => other > step));

    /// <summary>Deletes all checkpoints.</summary>
    public void DeleteAll() => Delete(_store.Steps());

    /// <summary>Owns the folder no more; it goes if nothing lies in it.</summary>
    public void Release()
    {
        _owner.Release();
        DeleteIfEmpty(_store.Folder);
    }

    /// <summary>Which checkpoints go once a newer one is durable: the oldest complete ones over the limit, and older ones that never became complete.</summary>
    /// <remarks>Pure.</remarks>
    internal static IEnumerable<ulong> Surplus(ulong newest, IEnumerable<ulong> steps, IReadOnlyCollection<ulong> complete, int mostKept)
    {
        var kept = complete.Where(step => step <= newest).OrderDescending().Take(mostKept).ToHashSet();
        return steps.Where(step => step < newest && !kept.Contains(step)).Order();
    }

    private void Delete(IEnumerable<ulong> steps)
    {
        foreach (var step in steps.ToList())
        {
            Delete(_store.Of(step));
        }
    }

    // The manifest first, and durably: a checkpoint that is half gone does not exist.
    private void Delete(string checkpoint)
    {
        _owner.Withdraw(Path.Combine(checkpoint, ManifestFile.Name));
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
