using Orchestrator.Coordinator.Storage;
using Orchestrator.Protos.Blobs;
using Orchestrator.Protos.Faults;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>The checkpoints of a run for whoever owns it: makes them of blobs that workers wrote, and deletes them.</summary>
/// <remarks>
/// A manifest comes by one rename and goes by one, first, and only for as long as nobody else has taken the run over. Touches nothing in the folder but what a checkpoint is made of.
/// The folder may lie on another file system than the run's, so it has an owner of its own. Errors are those of <see cref="FolderOwnership"/>.
/// </remarks>
internal sealed class OwnedCheckpoints
{
    private readonly CheckpointStore _store;
    private readonly FolderOwnership _owner;

    private OwnedCheckpoints(CheckpointStore store, FolderOwnership owner) => (_store, _owner) = (store, owner);

    /// <summary>Takes the folder over; it is made if it is not there.</summary>
    /// <exception cref="OwnershipLostException">A later owner was here already.</exception>
    public static OwnedCheckpoints Take(CheckpointStore store, OwnerTitle title) => new(store, FolderOwnership.Take(store.Folder, title));

    /// <summary>Whether a checkpoint is here and the newest one but for damaged ones.</summary>
    /// <param name="step">Its step; null: there is to be none.</param>
    /// <param name="numDamaged">How many newer ones have a manifest and cannot be used.</param>
    public bool AreUpTo(ulong? step, int numDamaged)
    {
        var complete = _store.Complete();
        return (step is not { } chosen || complete.Contains(chosen)) && complete.Count(other => other > (step ?? 0)) == numDamaged;
    }

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
        _owner.Leave();
        EmptyFolder.Delete(_store.Folder);
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
        _owner.Delete(Path.Combine(checkpoint, ManifestFile.Name));
        AtomicFile.SyncFolder(checkpoint);
        foreach (var file in Directory.EnumerateFiles(checkpoint).Where(file => IsOurs(Path.GetFileName(file))))
        {
            _owner.Delete(file);
        }

        EmptyFolder.Delete(checkpoint);
    }

    // Blobs, and what was under way when a writer died.
    private static bool IsOurs(string name) => name.EndsWith(".blob", StringComparison.Ordinal) || (name.StartsWith('.') && name.EndsWith(".tmp", StringComparison.Ordinal));
}
