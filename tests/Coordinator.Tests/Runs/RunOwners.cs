using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>The lives of a job's entity in one output folder, one after the other.</summary>
internal sealed class RunOwners : IDisposable
{
    private readonly List<OwnedRunFolder> _owned = [];

    public TemporaryFolder Folder { get; } = new();

    /// <summary>What was told of files that were put aside.</summary>
    public List<string> Told { get; } = [];

    public OwnedRunFolder Create(string resolvedYaml, IEnumerable<string> events) => Kept(OwnedRunFolder.Create(Folder.Path, Next(), resolvedYaml, events, Told.Add));

    public OwnedRunFolder Resume(string resolvedYaml, ResumePoint resume, IEnumerable<string> events) => Kept(OwnedRunFolder.Resume(Folder.Path, Next(), resolvedYaml, resume, events, Told.Add));

    public OwnedRunFolder Continue(IReadOnlyList<string> events, IReadOnlyList<string> metrics, ResumePoint? resume = null) =>
        Kept(OwnedRunFolder.Continue(Folder.Path, Next(), "name: a\n", events, metrics, resume, Told.Add));

    public void Dispose()
    {
        _owned.ForEach(owned => owned.Dispose());
        Folder.Dispose();
    }

    private OwnerTitle Next() => new("job-1", (ulong)_owned.Count + 1);

    private OwnedRunFolder Kept(OwnedRunFolder folder)
    {
        _owned.Add(folder);
        return folder;
    }
}
