using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Tests.Checkpoints;

public sealed class OwnedCheckpointsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public OwnedCheckpointsTests() => _store = new CheckpointStore(_folder.At("checkpoints"));

    public void Dispose() => _folder.Dispose();

    /// <summary>Names that only look like a step's, and a link that leads out of the folder.</summary>
    [Fact]
    public void Delete_OfEverything_LeavesWhatIsNoCheckpoint()
    {
        Manifests.Write(_store, 4);
        var elsewhere = Manifests.Write(new CheckpointStore(_folder.At("elsewhere")), 6);
        Directory.CreateSymbolicLink(_store.Of(6), elsewhere);
        foreach (var name in new[] { "step-", "step-x", "step-04", "step--4", "step-18446744073709551616", "notes" })
        {
            Directory.CreateDirectory(Path.Combine(_store.Folder, name));
        }

        File.WriteAllText(Path.Combine(_store.Of(4), "notes.txt"), "mine");
        // Of a writer that died.
        File.WriteAllText(Path.Combine(_store.Of(4), ".1.tmp"), "half");
        Manifests.Owning(_store, owned => owned.DeleteAll());

        Assert.Equal(
            ["notes", "step-", "step--4", "step-04", "step-18446744073709551616", "step-4", "step-6", "step-x"],
            Directory.EnumerateFileSystemEntries(_store.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["notes.txt"], Directory.EnumerateFiles(_store.Of(4)).Select(Path.GetFileName));
        Assert.Equal(3, Directory.EnumerateFiles(elsewhere).Count());
    }

    /// <summary>A generation may still load from the older one until the newer one is journaled.</summary>
    [Fact]
    public void Write_OfANewerOne_DeletesNothing()
    {
        Manifests.Write(_store, 2);
        var newer = Manifests.Of(4);
        newer.Blobs.Add(Manifests.WriteBlob(_store.Of(4), 0, 4));
        Manifests.Owning(_store, owned => owned.Write(newer));
        Assert.Equal([2UL, 4UL], _store.Complete().Order());

        Manifests.Owning(_store, owned => owned.DeleteSurplus(4, mostKept: 1));

        Assert.Equal([4UL], _store.Complete());
    }

    [Fact]
    public void Write_OverTheLimit_DeletesTheOldestAndWhatNeverBecameComplete()
    {
        Manifests.WriteBlob(_store.Of(3), 0, 3);
        Manifests.WriteBlob(_store.Of(11), 0, 11);
        foreach (var step in new ulong[] { 2, 4, 6, 8, 10 })
        {
            Manifests.Write(_store, step, mostKept: 3);
        }

        Assert.Equal(
            ["step-10", "step-11", "step-6", "step-8"],
            Directory.EnumerateDirectories(_store.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(1, "2 3 4 6 8")]
    [InlineData(2, "2 3 4 6")]
    [InlineData(4, "2 3")]
    [InlineData(9, "3")]
    public void Surplus_IsTheOldestOverTheLimitAndOlderIncompleteOnes(int mostKept, string expected) =>
        Assert.Equal(expected, string.Join(' ', OwnedCheckpoints.Surplus(10, [10, 2, 3, 4, 6, 8, 11, 12], [2, 4, 6, 8, 10, 12], mostKept)));

    [Fact]
    public void DeleteAfter_AStep_LeavesWhatIsNotNewer()
    {
        foreach (var step in new ulong[] { 2, 4, 6 })
        {
            Manifests.Write(_store, step);
        }

        Manifests.Owning(_store, owned => owned.DeleteAfter(4));

        Assert.Equal([2UL, 4UL], _store.Complete().Order());
        Assert.False(Directory.Exists(_store.Of(6)));
    }

    /// <summary>Were a blob written after the manifest, or the manifest not last, a kill between them would leave a checkpoint that lies.</summary>
    [Fact]
    public void Write_WhereTheManifestCannotBeWritten_LeavesNoCheckpointAndTheOlderOne()
    {
        Manifests.Write(_store, 2, mostKept: 1);
        Directory.CreateDirectory(Path.Combine(_store.Of(4), "manifest.json"));

        Assert.ThrowsAny<IOException>(() => Manifests.Write(_store, 4, mostKept: 1));

        Assert.Equal(2UL, _store.Search(TestContext.Current.CancellationToken).Newest?.Step);
    }

    /// <summary>Whoever was taken over from neither makes nor deletes a checkpoint any more.</summary>
    [Fact]
    public void EarlierOwner_AfterATakeover_ChangesNothing()
    {
        Manifests.Write(_store, 2);
        Manifests.Write(_store, 4);
        var next = Manifests.Of(6);
        next.Blobs.Add(Manifests.WriteBlob(_store.Of(6), 0, 6));
        var earlier = OwnedCheckpoints.Take(_store, new OwnerTitle("job-1", 5));
        var later = OwnedCheckpoints.Take(_store, new OwnerTitle("job-1", 9));

        Assert.Throws<OwnershipLostException>(() => earlier.Write(next));
        Assert.Throws<OwnershipLostException>(() => earlier.DeleteSurplus(4, mostKept: 1));
        Assert.Throws<OwnershipLostException>(() => earlier.DeleteAfter(4));
        Assert.Equal([2UL, 4UL], _store.Complete().Order());
        Assert.True(Directory.EnumerateFiles(_store.Of(6)).Any());

        later.Write(next);
        later.DeleteSurplus(6, mostKept: 1);
        Assert.Equal([6UL], _store.Complete());
    }
}
