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
    /// <param name="owner">The folder's.</param>
    /// <param name="output">The folder.</param>
    /// <param name="tell">Gets a sentence for each.</param>
    public static void PutAside(FolderOwnership owner, string output, Action<string> tell)
    {
        foreach (var path in RunFolder.Files.Select(name => Path.Combine(output, name)).Where(File.Exists))
        {
            owner.Check();
            Move(path, AsideOf(path), tell);
        }
    }

    /// <summary>Gives an adapter's folder another name where somebody else has put something into it; one of a run stays, and may be replaced.</summary>
    public static void PutAdapterAside(string adapter, Action<string> tell)
    {
        if (!PeftAdapterWriter.HasWritten(adapter))
        {
            Move(adapter, AsideOf(adapter), tell);
        }
    }

    private static void Move(string path, string aside, Action<string> tell)
    {
        Directory.Move(path, aside);
        tell($"{path}, which no run has written, is {Path.GetFileName(aside)} now.");
    }

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
