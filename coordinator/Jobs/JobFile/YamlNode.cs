namespace Orchestrator.Coordinator.Jobs;

/// <summary>A node of a parsed document that knows its place.</summary>
internal abstract class YamlNode(YamlPlace place)
{
    public YamlPlace Place => place;

    /// <summary>What a person would call it.</summary>
    public abstract string Describe();
}
