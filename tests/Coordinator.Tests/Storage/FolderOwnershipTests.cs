using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Tests.Storage;

public sealed class FolderOwnershipTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A takeover at every moment of a publication: before it, while it is written, and once it stands.</summary>
    [Theory]
    [InlineData("before")]
    [InlineData("during")]
    [InlineData("after")]
    public void PublishFile_AroundATakeover_IsPublishedBeforeItOrNever(string when)
    {
        var earlier = Take(5);
        void Publish(string by, FolderOwnership owner, Action meanwhile) => owner.PublishFile(_folder.At("file"), stream =>
        {
            stream.WriteByte((byte)by[0]);
            meanwhile();
        });
        Publish("0", earlier, () => { });

        if (when == "after")
        {
            Publish("1", earlier, () => { });
            Take(9);
            Assert.Equal("1", File.ReadAllText(_folder.At("file")));
        }
        else
        {
            if (when == "before")
            {
                Take(9);
            }

            Assert.Throws<OwnershipLostException>(() => Publish("1", earlier, () => Take(9)));
            Assert.Equal("0", File.ReadAllText(_folder.At("file")));
        }

        Assert.Equal([".owner-job-1-9", "file"], Entries());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At(".owner-job-1-9")));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void PublishFolder_DuringATakeover_IsNeverPublished(bool stands, bool inner)
    {
        var earlier = Take(5);
        if (stands)
        {
            earlier.PublishFolder("adapter", folder => File.WriteAllText(Path.Combine(folder, "a"), "old"), _ => { });
        }

        Assert.Throws<OwnershipLostException>(() => earlier.PublishFolder("adapter", folder =>
        {
            File.WriteAllText(Path.Combine(folder, "a"), "new");
            Take(9);
            // Whoever makes a folder makes those above it, which the takeover has deleted.
            Directory.CreateDirectory(inner ? Path.Combine(folder, "inner") : folder);
            File.WriteAllText(Path.Combine(folder, "b"), "new");
        }, _ => { }));

        Assert.Equal(stands ? [".owner-job-1-9", "adapter"] : [".owner-job-1-9"], Entries());
        Assert.Equal(stands ? "old" : "", stands ? File.ReadAllText(_folder.At("adapter", "a")) : "");
    }

    [Fact]
    public void PublishFolder_OverAnOlderOne_TakesItsPlaceWhole()
    {
        var owner = Take(1);
        owner.PublishFolder("adapter", folder => File.WriteAllText(Path.Combine(folder, "a"), "old"), _ => { });

        owner.PublishFolder("adapter", folder => File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "inner")).FullName, "b"), "new"), _ => { });

        Assert.Equal(["inner"], Directory.EnumerateFileSystemEntries(_folder.At("adapter")).Select(Path.GetFileName));
        Assert.Equal("new", File.ReadAllText(_folder.At("adapter", "inner", "b")));
        Assert.Equal([".owner-job-1-1", "adapter"], Entries());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At(".owner-job-1-1")));
    }

    [Fact]
    public void PublishFolder_WhereFillingFails_LeavesTheOldOneAndNothingElse()
    {
        var owner = Take(1);
        owner.PublishFolder("adapter", folder => File.WriteAllText(Path.Combine(folder, "a"), "old"), _ => { });

        var full = Assert.Throws<IOException>(() => owner.PublishFolder("adapter", folder =>
        {
            File.WriteAllText(Path.Combine(folder, "a"), "half");
            throw new IOException("No space left on device");
        }, _ => { }));

        Assert.Equal("No space left on device", full.Message);
        Assert.Equal("old", File.ReadAllText(_folder.At("adapter", "a")));
        Assert.Equal([".owner-job-1-1", "adapter"], Entries());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At(".owner-job-1-1")));
    }

    [Fact]
    public void PublishFile_WhereItsFolderIsMissing_IsNotTakenForALostOwnership()
    {
        var owner = Take(1);

        Assert.IsType<DirectoryNotFoundException>(Assert.ThrowsAny<IOException>(() => owner.PublishFile(_folder.At("nowhere", "file"), stream => stream.WriteByte(1))));

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At(".owner-job-1-1")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Delete_AfterATakeover_LeavesTheFile(bool stands)
    {
        var earlier = Take(5);
        if (stands)
        {
            File.WriteAllText(_folder.At("file"), "");
        }

        var later = Take(9);

        Assert.Throws<OwnershipLostException>(() => earlier.Delete(_folder.At("file")));
        Assert.Equal(stands, File.Exists(_folder.At("file")));
        later.Delete(_folder.At("file"));
        Assert.Equal([".owner-job-1-9"], Entries());
    }

    /// <summary>One that took its time between its journal and the folder.</summary>
    [Fact]
    public void Take_WhereALaterOwnerIs_IsRefusedAndDisturbsNobody()
    {
        var later = Take(10);

        Assert.Throws<OwnershipLostException>(() => Take(9));
        later.PublishFile(_folder.At("file"), stream => stream.WriteByte(1));

        Assert.Equal([".owner-job-1-10", "file"], Entries());
    }

    [Theory]
    [InlineData("job-1", 5)]
    [InlineData("job-2", 1)]
    public void Take_ToGoOnWhereALaterOwnerWas_IsRefused(string line, ulong fence)
    {
        FolderOwnership.Take(_folder.Path, new OwnerTitle(line, fence));

        Assert.Throws<OwnershipLostException>(() => FolderOwnership.Take(_folder.Path, new OwnerTitle("job-1", 4, GoesOn: true)));
        Assert.Equal([$".owner-{line}-{fence}"], Entries());
    }

    /// <summary>A mount that is gone is no takeover.</summary>
    [Fact]
    public void PublishFile_WhereTheFolderIsGone_SaysSo()
    {
        using var below = new TemporaryFolder();
        var owner = FolderOwnership.Take(below.At("out"), new OwnerTitle("job-1", 1));
        Directory.Delete(below.At("out"), recursive: true);

        Assert.IsType<DirectoryNotFoundException>(Assert.ThrowsAny<IOException>(() => owner.PublishFile(below.At("out", "file"), stream => stream.WriteByte(1))));
    }

    /// <summary>Of other jobs whoever comes later owns it, whatever their fences.</summary>
    [Fact]
    public void Take_FromAnotherJob_EndsItsOwnership()
    {
        var other = FolderOwnership.Take(_folder.Path, new OwnerTitle("job-1-2", 77));

        Take(3);

        Assert.Throws<OwnershipLostException>(() => other.PublishFile(_folder.At("file"), stream => stream.WriteByte(1)));
        Assert.Equal([".owner-job-1-3"], Entries());
    }

    /// <summary>A process died in the middle of an adapter.</summary>
    [Fact]
    public void Take_WhereAnOwnerDied_RemovesWhatItLeft()
    {
        Directory.CreateDirectory(_folder.At($".making-{Guid.NewGuid():N}", "inner"));
        Directory.CreateDirectory(_folder.At(".owner-job-1-2", "half"));
        File.WriteAllText(_folder.At(".owner-job-1-2", "half", "a"), "");

        Take(3);

        Assert.Equal([".owner-job-1-3"], Entries());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At(".owner-job-1-3")));
    }

    /// <summary>Hidden folders of somebody else with names that begin alike.</summary>
    [Fact]
    public void Take_BesideFoldersThatAreNobodysWorkspace_LeavesThem()
    {
        foreach (var name in new[] { ".owner-docs", ".owner-", ".making-of", ".making-" })
        {
            Directory.CreateDirectory(_folder.At(name));
        }

        Take(3);

        Assert.Equal([".making-", ".making-of", ".owner-", ".owner-docs", ".owner-job-1-3"], Entries());
    }

    private FolderOwnership Take(ulong fence) => FolderOwnership.Take(_folder.Path, new OwnerTitle("job-1", fence));

    private string[] Entries() => [.. Directory.EnumerateFileSystemEntries(_folder.Path).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];
}
