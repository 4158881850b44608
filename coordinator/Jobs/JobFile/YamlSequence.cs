namespace Orchestrator.Coordinator.Jobs;

internal sealed class YamlSequence(YamlPlace place, IReadOnlyList<YamlNode> items) : YamlNode(place)
{
    public IReadOnlyList<YamlNode> Items => items;

    public override string Describe() => "a list";
}
