using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public CheckpointStoreTests()
    {
        Directory.CreateDirectory(_folder.At("checkpoints"));
        _store = new CheckpointStore(_folder.At("checkpoints"));
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Damages => new(Break.Keys);

    /// <summary>Everything that can happen to a checkpoint's files, by name.</summary>
    private static Dictionary<string, Action<string>> Break { get; } = new(StringComparer.Ordinal)
    {
        ["blob flipped"] = checkpoint => Change(Blobs(checkpoint)[0], bytes => bytes[bytes.Length / 2] ^= 1),
        ["blob's digest flipped"] = checkpoint => Change(Blobs(checkpoint)[1], bytes => bytes[^1] ^= 1),
        ["blob truncated"] = checkpoint => Truncate(Blobs(checkpoint)[1], length => length - 1),
        ["blob empty"] = checkpoint => Truncate(Blobs(checkpoint)[0], _ => 0),
        ["blob longer"] = checkpoint => File.AppendAllText(Blobs(checkpoint)[0], "x"),
        ["blob missing"] = checkpoint => File.Delete(Blobs(checkpoint)[0]),
        ["blob another's"] = checkpoint => File.Copy(Blobs(checkpoint)[0], Blobs(checkpoint)[1], overwrite: true),
        ["blob a folder"] = checkpoint =>
        {
            var blob = Blobs(checkpoint)[0];
            File.Delete(blob);
            Directory.CreateDirectory(blob);
        },
        ["manifest flipped"] = checkpoint => Change(Manifest(checkpoint), bytes => bytes[20] ^= 1),
        ["manifest truncated"] = checkpoint => Truncate(Manifest(checkpoint), length => length / 2),
        ["manifest empty"] = checkpoint => Truncate(Manifest(checkpoint), _ => 0),
        ["manifest of another step"] = checkpoint => File.Copy(Path.Combine(checkpoint, "..", "step-2", "manifest.json"), Manifest(checkpoint), overwrite: true),
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void Search_WithADamagedNewest_FindsTheOneBeforeAndSaysSo(string damage)
    {
        Manifests.Write(_store, 2);
        Break[damage](Manifests.Write(_store, 4));

        var found = _store.Search(TestContext.Current.CancellationToken);

        Assert.Equal(2UL, found.Newest?.Step);
        Assert.Equal("hash", found.NewestManifest?.JobHash);
        var sentence = Assert.Single(found.Damaged);
        Assert.StartsWith("The checkpoint step-4 cannot be used: ", sentence, StringComparison.Ordinal);
        Assert.EndsWith(".", sentence, StringComparison.Ordinal);
    }

    /// <summary>What cannot be read now may be whole: going on from the one before would delete it.</summary>
    [Theory]
    [InlineData("manifest.json")]
    [InlineData("*.blob")]
    public void Search_WithANewestThatCannotBeRead_IsRefused(string files)
    {
        Manifests.Write(_store, 2);
        using var held = new FileStream(Directory.EnumerateFiles(Manifests.Write(_store, 4), files).First(), FileMode.Open, FileAccess.ReadWrite, FileShare.None);

        var refusal = Assert.Throws<InvalidInputException>(() => _store.Search(TestContext.Current.CancellationToken));

        Assert.Matches("^The checkpoint step-4 cannot be read: .*make it readable, or begin anew with --overwrite\\.$", refusal.Message);
        Assert.DoesNotContain("damaged", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A folder that somebody copied is whole, but it is not that step's.</summary>
    [Fact]
    public void Search_WithAWholeCopyOfAnotherStepsFolder_DoesNotTakeIt()
    {
        Directory.CreateDirectory(_store.Of(4));
        foreach (var file in Directory.EnumerateFiles(Manifests.Write(_store, 2)))
        {
            File.Copy(file, Path.Combine(_store.Of(4), Path.GetFileName(file)));
        }

        var found = _store.Search(TestContext.Current.CancellationToken);

        Assert.Equal(2UL, found.Newest?.Step);
        Assert.Equal("The checkpoint step-4 cannot be used: its manifest is that of step 2.", Assert.Single(found.Damaged));
    }

    [Fact]
    public void Search_WithABlobOfAnotherSizeThanTheManifestSays_DoesNotTakeIt()
    {
        var manifest = Manifests.Of(4);
        var blob = Manifests.WriteBlob(_store.Of(4), 0, 4);
        blob.Bytes++;
        manifest.Blobs.Add(blob);
        _store.Write(manifest);

        var found = _store.Search(TestContext.Current.CancellationToken);

        Assert.Null(found.Newest);
        Assert.Matches($"it has {blob.Bytes - 1} bytes where the manifest says {blob.Bytes}", Assert.Single(found.Damaged));
    }

    [Fact]
    public void Search_OfWholeOnes_FindsTheNewestByItsNumber()
    {
        foreach (var step in new ulong[] { 2, 10, 9 })
        {
            Manifests.Write(_store, step);
        }

        var found = _store.Search(TestContext.Current.CancellationToken);

        Assert.Equal(10UL, found.Newest?.Step);
        Assert.Empty(found.Damaged);
    }

    [Fact]
    public void Search_OfOneWithoutAManifest_FindsNothingAndSaysNothing()
    {
        Manifests.WriteBlob(_store.Of(4), 0, 4);
        File.WriteAllText(Path.Combine(_store.Of(4), ".half.tmp"), "half");

        Assert.Equal(new CheckpointSearch(null, [], null), _store.Search(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Search_WhereOnlyBlobsAreDamaged_StillKnowsTheJob()
    {
        Break["blob flipped"](Manifests.Write(_store, 4, "another"));

        var found = _store.Search(TestContext.Current.CancellationToken);

        Assert.Null(found.Newest);
        Assert.Equal("another", found.NewestManifest?.JobHash);
    }

    [Fact]
    public void Search_WhereThereIsNoFolder_FindsNothing() =>
        Assert.Null(new CheckpointStore(_folder.At("nowhere")).Search(TestContext.Current.CancellationToken).Newest);

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
        _store.DeleteAll();

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
        _store.Write(newer);
        Assert.Equal([2UL, 4UL], _store.Complete().Order());

        _store.DeleteSurplus(4, mostKept: 1);

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
        Assert.Equal(expected, string.Join(' ', CheckpointStore.Surplus(10, [10, 2, 3, 4, 6, 8, 11, 12], [2, 4, 6, 8, 10, 12], mostKept)));

    [Fact]
    public void DeleteAfter_AStep_LeavesWhatIsNotNewer()
    {
        foreach (var step in new ulong[] { 2, 4, 6 })
        {
            Manifests.Write(_store, step);
        }

        _store.DeleteAfter(4);

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

    private static string Manifest(string checkpoint) => Path.Combine(checkpoint, "manifest.json");

    private static string[] Blobs(string checkpoint) => [.. ManifestFile.Read(checkpoint).Blobs.Select(blob => Path.Combine(checkpoint, CheckpointFolders.FileOf(blob.Sha256)))];

    private static void Change(string file, Action<byte[]> change)
    {
        var bytes = File.ReadAllBytes(file);
        change(bytes);
        File.WriteAllBytes(file, bytes);
    }

    private static void Truncate(string file, Func<long, long> length)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.SetLength(length(stream.Length));
    }
}
