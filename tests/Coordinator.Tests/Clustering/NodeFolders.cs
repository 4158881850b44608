using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Clustering;

/// <summary>The storage of a test's node, laid out as an embedded cluster's.</summary>
internal sealed record NodeFolders(string Output)
{
    public string Root => Path.Combine(Output, ".orchestrator");

    public string Journal => Path.Combine(Root, "journal.db");

    public JobFolders Jobs => new(Path.Combine(Root, "data"), Path.Combine(Root, "stages"));
}
