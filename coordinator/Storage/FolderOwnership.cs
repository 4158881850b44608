using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Storage;

/// <summary>The right to change what lies in a folder, which passes from owner to owner and never back.</summary>
/// <remarks>
/// Each owner has a hidden workspace in the folder. Whatever it publishes leaves the workspace for its place by one rename, and what it deletes comes into it by one. Whoever takes the folder over
/// first moves the workspaces of owners before it away: from then on their renames find nothing, in whatever moment they were stopped, and there is no lock that a process which
/// hangs could hold. The last owner's workspace stays, empty: it says whose the folder was. Thread-safe, for different names. Errors are <see cref="IOException"/>, among them
/// <see cref="OwnershipLostException"/>, and <see cref="UnauthorizedAccessException"/>.
/// </remarks>
internal sealed class FolderOwnership
{
    private const string WorkspacePrefix = ".owner-";
    private const string MakingPrefix = ".making-";

    private readonly string _folder;
    private readonly string _workspace;

    private FolderOwnership(string folder, string workspace) => (_folder, _workspace) = (folder, workspace);

    /// <summary>Takes a folder over from earlier owners.</summary>
    /// <param name="folder">Made if it is not there.</param>
    /// <param name="title">Whose it is to be.</param>
    /// <exception cref="OwnershipLostException">A later owner was here already.</exception>
    public static FolderOwnership Take(string folder, OwnerTitle title)
    {
        Directory.CreateDirectory(folder);
        // Made before the others are looked at: of two that come at once, one at least sees the other.
        var taken = new FolderOwnership(folder, Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{WorkspacePrefix}{title.Line}-{title.Fence}")));
        Directory.CreateDirectory(taken._workspace);
        if (taken.Others().Find(other => FenceOf(other, title.Line) is { } its ? its > title.Fence : title.GoesOn) is { } later)
        {
            taken.Leave();
            throw new OwnershipLostException(later);
        }

        foreach (var other in taken.Others().Concat(Directory.EnumerateDirectories(folder, $"{MakingPrefix}*").Where(IsMaking)))
        {
            taken.MoveAway(other);
        }

        AtomicFile.SyncFolder(folder);
        return taken;
    }

    /// <summary>Publishes a file, durably, over an older one of the name.</summary>
    /// <param name="path">Below the folder and on its file system; the folder it lies in is there.</param>
    /// <param name="content">Writes it.</param>
    public void PublishFile(string path, Action<Stream> content)
    {
        using var file = PublishOpenFile(path, content);
    }

    /// <summary>Publishes a file likewise, and keeps it open: what is written through the handle goes to this file, whatever stands under its name by then.</summary>
    public SafeFileHandle PublishOpenFile(string path, Action<Stream> content) => Change(made =>
    {
        using (var stream = new FileStream(made, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            content(stream);
            stream.Flush(flushToDisk: true);
        }

        var handle = File.OpenHandle(made, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            File.Move(made, path, overwrite: true);
            AtomicFile.SyncFolder(Path.GetDirectoryName(path)!);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    });

    /// <summary>Publishes a folder in this one, whole or not at all, durably.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fill">Gets an empty folder to write files into.</param>
    /// <param name="before">Gets what stands under the name, and may move it away; else it is deleted.</param>
    public void PublishFolder(string name, Action<string> fill, Action<string> before) => Change(made =>
    {
        var target = Path.Combine(_folder, name);
        if (File.Exists(target))
        {
            throw new IOException($"{target} is a file");
        }

        // Not filled in the workspace: whoever makes a folder in it makes the workspace anew where it is gone.
        var making = Path.Combine(_folder, $"{MakingPrefix}{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(making);
            fill(making);
            Sync(making);
            Directory.Move(making, made);
        }
        finally
        {
            Discard(making);
        }

        if (Directory.Exists(target))
        {
            before(target);
        }

        if (Directory.Exists(target))
        {
            FolderExchange.Exchange(made, target);
        }
        else
        {
            Directory.Move(made, target);
        }

        AtomicFile.SyncFolder(_folder);
        return true;
    });

    /// <summary>Deletes a file; it need not be there.</summary>
    public void Delete(string path) => Change(made =>
    {
        if (File.Exists(path))
        {
            File.Move(path, made);
        }

        return true;
    });

    /// <summary>Whether nobody has taken the folder over.</summary>
    /// <exception cref="OwnershipLostException">Somebody has.</exception>
    public void Check()
    {
        if (!Directory.Exists(_workspace))
        {
            throw Others() is [var later, ..] ? new OwnershipLostException(later) : new DirectoryNotFoundException($"{_workspace} was deleted");
        }
    }

    /// <summary>Owns the folder no more, and leaves no trace.</summary>
    public void Leave() => Discard(_workspace);

    private List<string> Others() => Directory.Exists(_folder)
        ? [.. Directory.EnumerateDirectories(_folder, $"{WorkspacePrefix}*").Where(other => other != _workspace && FenceIn(other) is not null)]
        : [];

    private static ulong? FenceOf(string workspace, string line) =>
        FenceIn(workspace) is { } fence && Path.GetFileName(workspace) == string.Create(CultureInfo.InvariantCulture, $"{WorkspacePrefix}{line}-{fence}") ? fence : null;

    // Null: it is nobody's workspace, whatever it is called.
    private static ulong? FenceIn(string workspace)
    {
        var name = Path.GetFileName(workspace);
        return ulong.TryParse(name.AsSpan(name.LastIndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var fence) ? fence : null;
    }

    private static bool IsMaking(string folder) => Guid.TryParseExact(Path.GetFileName(folder).AsSpan(MakingPrefix.Length), "N", out _);

    private void MoveAway(string other)
    {
        var gone = Path.Combine(_workspace, $"{Guid.NewGuid():N}");
        try
        {
            Directory.Move(other, gone);
        }
        catch (DirectoryNotFoundException)
        {
            // Its owner has left, or published what it was making.
            Check();
            return;
        }

        Discard(gone);
    }

    private T Change<T>(Func<string, T> change)
    {
        var made = Path.Combine(_workspace, $"{Guid.NewGuid():N}");
        try
        {
            Check();
            return change(made);
        }
        catch (IOException failure) when (failure is not OwnershipLostException && !Directory.Exists(_workspace) && Others() is [var later, ..])
        {
            throw new OwnershipLostException(later, failure);
        }
        finally
        {
            // What could not be published, what was deleted, or what stood in the place of a folder before.
            Discard(made);
        }
    }

    private static void Sync(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0);
            stream.Flush(flushToDisk: true);
        }

        foreach (var inner in Directory.EnumerateDirectories(folder))
        {
            Sync(inner);
        }

        AtomicFile.SyncFolder(folder);
    }

    // What cannot be deleted now (a network's file system keeps what somebody reads) harms nobody: it has no name that means anything, and the next owner tries again.
    private static void Discard(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
        }
    }
}
