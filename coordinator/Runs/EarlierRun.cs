using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What lies in an output folder before a run begins in it.</summary>
/// <remarks>Everything goes by the owner's hand, one file after the other: of two entities of a job the later one's files are safe from the earlier one.</remarks>
internal static class EarlierRun
{
    /// <summary>Deletes the files of a run, which <see cref="RunFolder.Check"/> has allowed, and nothing else.</summary>
    public static void Delete(FolderOwnership owner, string output, OwnerTitle title)
    {
        DeleteAdapter(owner, Path.Combine(output, RunFolder.AdapterFolderName));
        // Their folder goes, too: it is taken again once there are events.
        var checkpoints = OwnedCheckpoints.Take(RunFolder.CheckpointsOf(output), title);
        owner.Check();
        checkpoints.DeleteAll();
        checkpoints.Release();
        foreach (var name in RunFolder.Files)
        {
            owner.Delete(Path.Combine(output, name));
        }
    }

    /// <summary>Gives other names to files that no run has written and a run would replace. The job file itself may be among them.</summary>
    public static void PutAside(FolderOwnership owner, string output)
    {
        foreach (var path in RunFolder.Files.Select(name => Path.Combine(output, name)).Where(File.Exists))
        {
            owner.Check();
            File.Move(path, AsideOf(path));
        }
    }

    /// <summary>Where an adapter's folder goes for another one: aside, if somebody else has put something into it; null: it is a run's and may be deleted.</summary>
    public static string? AsideOfAdapter(string adapter) => PeftAdapterWriter.HasWritten(adapter) ? null : AsideOf(adapter);

    private static void DeleteAdapter(FolderOwnership owner, string adapter)
    {
        // Where somebody has moved it, it is his.
        if (new DirectoryInfo(adapter).LinkTarget is not null)
        {
            owner.Check();
            Directory.Delete(adapter);
            return;
        }

        foreach (var name in PeftAdapterWriter.FilesIn(adapter))
        {
            owner.Delete(Path.Combine(adapter, name));
        }

        EmptyFolder.Delete(Path.Combine(adapter, TokenizerConfig.TemplateFolderName));
        EmptyFolder.Delete(adapter);
    }

    private static string AsideOf(string path) => Enumerable.Range(1, int.MaxValue).Select(number => $"{path}.before-{number}").First(candidate => !Path.Exists(candidate));
}
