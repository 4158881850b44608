namespace Orchestrator.Coordinator.Models;

/// <summary>Says in a few words why the system could not read a file or folder.</summary>
internal static class ReadFailure
{
    public static string Reason(Exception error) => error switch
    {
        UnauthorizedAccessException when IsOpenFolder(PathOf(error)) => "it is a folder",
        UnauthorizedAccessException => "permission is denied",
        FileNotFoundException => "there is no such file",
        DirectoryNotFoundException => "there is no such folder",
        _ => error.Message.TrimEnd('.'),
    };

    // Opening a folder as a file is refused in the same way as opening what is forbidden; a folder that can be listed is not forbidden.
    private static bool IsOpenFolder(string path)
    {
        try
        {
            if (!Directory.Exists(path))
            {
                return false;
            }

            using var entries = Directory.EnumerateFileSystemEntries(path).GetEnumerator();
            entries.MoveNext();
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    // The runtime's message of a refused open ends with the quoted path.
    private static string PathOf(Exception error)
    {
        string[] parts = error.Message.Split('\'');
        return parts.Length >= 3 ? parts[1] : "";
    }
}
