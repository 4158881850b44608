using System.Security.Cryptography;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>Everything below a folder: the relative path of each entry, and a file's digest.</summary>
internal static class FolderListing
{
    public static SortedDictionary<string, string> Of(string folder)
    {
        var listing = new SortedDictionary<string, string>(StringComparer.Ordinal);
        // Hidden entries count; the sockets of the runtime's diagnostics are its own, and stay where a process was killed.
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        foreach (string path in Directory.EnumerateFileSystemEntries(folder, "*", all))
        {
            if (!Path.GetFileName(path).StartsWith("dotnet-diagnostic-", StringComparison.Ordinal) && !Path.GetFileName(path).StartsWith("clr-debug-pipe-", StringComparison.Ordinal))
            {
                listing.Add(Path.GetRelativePath(folder, path), Directory.Exists(path) ? "folder" : Digest(path));
            }
        }

        return listing;
    }

    private static string Digest(string file)
    {
        var mode = File.GetUnixFileMode(file);
        return mode == UnixFileMode.None ? "unreadable" : Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
    }
}
