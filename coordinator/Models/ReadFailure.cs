namespace Orchestrator.Coordinator.Models;

/// <summary>Says in a few words why the system could not read a file or folder.</summary>
internal static class ReadFailure
{
    public static string Reason(Exception error) => error switch
    {
        UnauthorizedAccessException when Directory.Exists(PathOf(error)) => "it is a folder",
        UnauthorizedAccessException => "permission is denied",
        FileNotFoundException => "there is no such file",
        DirectoryNotFoundException => "there is no such folder",
        _ => error.Message.TrimEnd('.'),
    };

    // The runtime's message of a refused open ends with the quoted path; opening a folder as a file is refused in the same way as a forbidden file.
    private static string PathOf(Exception error)
    {
        string[] parts = error.Message.Split('\'');
        return parts.Length >= 3 ? parts[1] : "";
    }
}
