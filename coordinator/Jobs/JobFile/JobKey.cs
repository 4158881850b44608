namespace Orchestrator.Coordinator.Jobs;

/// <summary>One key of the job file.</summary>
/// <param name="Path">Its dotted path.</param>
/// <param name="Type">What it may hold.</param>
/// <param name="Default">Its default as YAML; null: it must be given.</param>
/// <param name="About">One line for the schema.</param>
internal sealed record JobKey(string Path, KeyType Type, string? Default, string About)
{
    /// <summary>Words that are known and not built yet: refused by name.</summary>
    public IReadOnlyList<string> NotBuilt { get; init; } = [];

    /// <summary>True: every value but the default is known and not built yet.</summary>
    public bool OnlyDefaultIsBuilt { get; init; }

    /// <summary>What the key must be, for messages.</summary>
    public string Expected => NotBuilt.Count == 0 ? Type.Expected : $"{Type.Expected} (not built yet: {string.Join(", ", NotBuilt)})";

    public string Section => Path.Contains('.', StringComparison.Ordinal) ? Path[..Path.LastIndexOf('.')] : "";

    public string Name => Path[(Path.LastIndexOf('.') + 1)..];
}
