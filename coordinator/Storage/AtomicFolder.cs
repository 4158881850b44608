using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Storage;

/// <summary>Writes a folder so that it appears whole or not at all, also in the place of an older one.</summary>
/// <remarks>
/// Files go to a hidden sibling, each synced; then one rename (an exchange of both names where an older folder stands) publishes it and the parent is synced.
/// A crash leaves the old folder or the new one, and perhaps the hidden sibling, which the next write removes. One writer a folder at a time.
/// </remarks>
internal static class AtomicFolder
{
    /// <summary>Writes <paramref name="folder"/>: <paramref name="fill"/> gets an empty folder to write files into.</summary>
    public static void Write(string folder, Action<string> fill)
    {
        string target = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar);
        string parent = Path.GetDirectoryName(target) ?? throw new InvalidInputException($"{target} cannot be written: it is the root of the file system.");
        string temporary = Path.Combine(parent, $".{Path.GetFileName(target)}.writing");
        if (File.Exists(target))
        {
            throw new InvalidInputException($"{target} is a file; choose another output folder.");
        }

        Directory.CreateDirectory(parent);
        Remove(temporary);
        try
        {
            Directory.CreateDirectory(temporary);
            fill(temporary);
            Sync(temporary);
            if (Directory.Exists(target))
            {
                FolderExchange.Exchange(temporary, target);
            }
            else
            {
                Directory.Move(temporary, target);
            }

            AtomicFile.SyncFolder(parent);
        }
        finally
        {
            Remove(temporary);
        }
    }

    private static void Sync(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0);
            stream.Flush(flushToDisk: true);
        }

        foreach (string inner in Directory.EnumerateDirectories(folder))
        {
            Sync(inner);
        }

        AtomicFile.SyncFolder(folder);
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
