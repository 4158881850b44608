using System.Runtime.InteropServices;

namespace Orchestrator.Protos.Blobs;

/// <summary>Files that are either the old one or the new one, also after a power cut.</summary>
public static partial class AtomicFile
{
    /// <summary>Writes a file beside its place, makes it durable and renames it into place.</summary>
    /// <remarks>When the content cannot be written, the old file stays and nothing else is left behind.</remarks>
    public static void Write(string path, Action<Stream> content)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                content(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        SyncFolder(folder);
    }

    /// <summary>Makes names that were created, renamed or deleted in a folder durable.</summary>
    /// <exception cref="IOException">The folder cannot be opened or synced.</exception>
    public static void SyncFolder(string folder)
    {
        // .NET opens no folder as a file, so this goes to libc. 0 = O_RDONLY.
        var descriptor = Open(folder, 0);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open folder '{folder}' to make it durable: {Marshal.GetLastPInvokeErrorMessage()}.");
        }

        var failed = Fsync(descriptor) != 0;
        var reason = Marshal.GetLastPInvokeErrorMessage();
        _ = Close(descriptor);
        if (failed)
        {
            throw new IOException($"Cannot make folder '{folder}' durable: {reason}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
