namespace Orchestrator.Coordinator.Runs;

/// <summary>Where an embedded cluster keeps its state: a hidden folder inside the run's output.</summary>
internal sealed record EmbeddedFolders(string Output)
{
    public string Root => Path.Combine(Output, ".orchestrator");

    public string Journal => Path.Combine(Root, "journal.db");

    public JobFolders Jobs => new(Path.Combine(Root, "data"), Path.Combine(Root, "jobs"), Path.Combine(Root, "stages"));

    /// <summary>Forgets the cluster of an earlier run, so that none of its jobs goes on; prepared data and stages, which are named by their content, stay.</summary>
    /// <remarks>Call before the cluster starts, once <see cref="RunFolder.Check"/> has let the new run pass.</remarks>
    public void ForgetCluster()
    {
        if (!Directory.Exists(Root))
        {
            return;
        }

        foreach (var suffix in new[] { "", "-wal", "-shm", "-journal" })
        {
            File.Delete(Journal + suffix);
        }

        Remove(Jobs.Jobs);
    }

    /// <summary>Leaves nothing behind of a cluster whose only request was refused.</summary>
    /// <param name="outputExisted">Whether the output folder was there before.</param>
    public void RemoveAll(bool outputExisted)
    {
        Remove(Root);
        if (!outputExisted && Directory.Exists(Output) && !Directory.EnumerateFileSystemEntries(Output).Any())
        {
            Directory.Delete(Output);
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
