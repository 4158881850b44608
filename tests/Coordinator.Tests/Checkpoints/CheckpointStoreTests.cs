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
        Manifests.Owning(_store, owned => owned.Write(manifest));

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
