using System.Runtime.InteropServices;

namespace Orchestrator.Coordinator.Storage;

/// <summary>Exchanges the names of two folders in one step, which POSIX systems offer and .NET does not.</summary>
internal static partial class FolderExchange
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint ExchangeNames = 2;   // RENAME_EXCHANGE
    private const int InvalidArgument = 22; // EINVAL: a file system without the exchange
    private const int NotImplemented = 38;  // ENOSYS: a kernel without it

    /// <summary>Exchanges two folders of one file system; atomic but on file systems that cannot (some network mounts), where it takes three renames.</summary>
    public static void Exchange(string first, string second)
    {
        if (Rename(CurrentFolder, first, CurrentFolder, second, ExchangeNames) == 0)
        {
            return;
        }

        if (Marshal.GetLastPInvokeError() is not (InvalidArgument or NotImplemented))
        {
            throw new IOException($"{second} cannot be replaced: {Marshal.GetLastPInvokeErrorMessage()}.");
        }

        string aside = $"{first}.old";
        Directory.Move(second, aside);
        Directory.Move(first, second);
        Directory.Move(aside, first);
    }

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Rename(int firstFolder, string first, int secondFolder, string second, uint flags);
}
