namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>The three views of a dict.</summary>
internal enum DictViewKind
{
    Keys,
    Values,
    Items,
}
