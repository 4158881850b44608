namespace Orchestrator.Coordinator.Jobs;

/// <summary>Modules chosen as PEFT chooses them: all linear layers, a list of names (suffixes), or one regular expression that matches whole names.</summary>
internal sealed record ModuleSelection
{
    public static readonly ModuleSelection AllLinear = new() { IsAllLinear = true };

    public bool IsAllLinear { get; private init; }
    public ValueList<string> Names { get; private init; } = [];
    public string? Pattern { get; private init; }
    public bool IsEmpty => !IsAllLinear && Pattern is null && Names.Count == 0;

    public static ModuleSelection Of(IEnumerable<string> names) => new() { Names = [.. names] };

    public static ModuleSelection Matching(string pattern) => new() { Pattern = pattern };
}
