using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Storage;

/// <summary>The right to publish into a folder, which passes from owner to owner and never back.</summary>
/// <remarks>
/// Each owner has a hidden workspace in the folder. Whatever it publishes leaves the workspace for its place by one rename, and what it withdraws comes into it by one. Whoever takes the folder over
/// first moves the workspaces of owners before it away: from then on their renames find nothing, in whatever moment they were stopped, and there is no lock that a process which
/// hangs could hold. Thread-safe, for different names. Errors are <see cref="IOException"/>, among them <see cref="OwnershipLostException"/>.
/// </remarks>
internal sealed class FolderOwnership
{
    private const string WorkspacePrefix = ".owner-";
    private const string MakingPrefix = ".making-";

    private readonly string _folder;
    private readonly string _workspace;

    private FolderOwnership(string folder, string workspace) => (_folder, _workspace) = (folder, workspace);

    /// <summary>Takes a folder over, from earlier owners of the same line or from whatever other line owns it.</summary>
    /// <param name="folder">Made if it is not there.</param>
    /// <param name="line">Whose owners follow one another: a job.</param>
    /// <param name="fence">The place in that line; the higher one is the later owner.</param>
    /// <exception cref="OwnershipLostException">A later owner of the line was here already.</exception>
    public static FolderOwnership Take(string folder, string line, ulong fence)
    {
        Directory.CreateDirectory(folder);
        // Made before the others are looked at: of two that come at once, one at least sees the other.
        var taken = new FolderOwnership(folder, Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{WorkspacePrefix}{line}-{fence}")));
        Directory.CreateDirectory(taken._workspace);
        var others = Directory.EnumerateDirectories(folder, $"{WorkspacePrefix}*").Where(other => other != taken._workspace).ToList();
        if (others.Exists(other => FenceOf(other, line) > fence))
        {
            taken.Release();
            throw new OwnershipLostException(folder);
        }

        foreach (var other in others.Concat(Directory.EnumerateDirectories(folder, $"{MakingPrefix}*")))
        {
            taken.MoveAway(other);
        }

        AtomicFile.SyncFolder(folder);
        return taken;
    }

    /// <summary>Publishes a file, durably, over an older one of the name.</summary>
    /// <param name="path">Below the folder and on its file system; the folder it lies in is there.</param>
    /// <param name="content">Writes it.</param>
    public void PublishFile(string path, Action<Stream> content) => Publish(made =>
    {
        using (var stream = new FileStream(made, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            content(stream);
            stream.Flush(flushToDisk: true);
        }

        File.Move(made, path, overwrite: true);
        AtomicFile.SyncFolder(Path.GetDirectoryName(path)!);
        return true;
    });

    /// <summary>Publishes a file likewise, and keeps it open: what is written through the handle goes to this file, whatever stands under its name by then.</summary>
    public SafeFileHandle PublishOpenFile(string path, ReadOnlyMemory<byte> content) => Publish(made =>
    {
        var handle = File.OpenHandle(made, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            RandomAccess.Write(handle, content.Span, 0);
            RandomAccess.FlushToDisk(handle);
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

    /// <summary>Publishes a folder in this one, whole or not at all, durably, in the place of an older one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fill">Gets an empty folder to write files into.</param>
    public void PublishFolder(string name, Action<string> fill) => Publish(made =>
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
            FolderExchange.Exchange(made, target);
        }
        else
        {
            Directory.Move(made, target);
        }

        AtomicFile.SyncFolder(_folder);
        return true;
    });

    /// <summary>Takes a file away; it need not be there.</summary>
    public void Withdraw(string path) => Publish(made =>
    {
        if (File.Exists(path))
        {
            File.Move(path, made);
        }
        else if (!Directory.Exists(_workspace))
        {
            throw new OwnershipLostException(_folder);
        }

        return true;
    });

    /// <summary>Owns the folder no more, and leaves nothing of its own.</summary>
    public void Release() => Discard(_workspace);

    private static ulong? FenceOf(string workspace, string line)
    {
        var name = Path.GetFileName(workspace);
        var prefix = $"{WorkspacePrefix}{line}-";
        return name.StartsWith(prefix, StringComparison.Ordinal) && ulong.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var fence) ? fence : null;
    }

    private void MoveAway(string other)
    {
        var gone = Path.Combine(_workspace, $"{Guid.NewGuid():N}");
        try
        {
            Directory.Move(other, gone);
        }
        catch (DirectoryNotFoundException)
        {
            // Its owner has released it, or published what it was making.
            return;
        }

        Discard(gone);
    }

    private T Publish<T>(Func<string, T> publish)
    {
        var made = Path.Combine(_workspace, $"{Guid.NewGuid():N}");
        try
        {
            return publish(made);
        }
        catch (IOException failure) when (failure is not OwnershipLostException && !Directory.Exists(_workspace))
        {
            throw new OwnershipLostException(_folder, failure);
        }
        finally
        {
            // What could not be published, or what stood in the place of a folder before.
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
        catch (DirectoryNotFoundException)
        {
            // A later owner has discarded it.
        }
    }
}
