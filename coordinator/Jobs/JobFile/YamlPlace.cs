namespace Orchestrator.Coordinator.Jobs;

/// <summary>A place in a source; line and column count from 1.</summary>
internal readonly record struct YamlPlace(YamlSource Source, long Line, long Column)
{
    public override string ToString() => Source.Order == 0 ? $"{Source.Name}, line {Line}, column {Column}" : Source.Name;
}
