namespace Orchestrator.Coordinator.Storage;

/// <summary>Folders that go when nothing is left in them.</summary>
internal static class EmptyFolder
{
    /// <summary>Deletes a folder if nothing lies in it.</summary>
    public static void Delete(string path)
    {
        if (!Directory.Exists(path) || Directory.EnumerateFileSystemEntries(path).Any())
        {
            return;
        }

        try
        {
            Directory.Delete(path);
        }
        catch (IOException)
        {
            // Somebody has put something into it meanwhile, or was faster.
        }
    }
}
