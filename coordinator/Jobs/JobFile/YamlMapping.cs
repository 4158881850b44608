namespace Orchestrator.Coordinator.Jobs;

/// <summary>A mapping in document order; keys are unique.</summary>
internal sealed class YamlMapping(YamlPlace place) : YamlNode(place)
{
    private readonly List<(YamlScalar Key, YamlNode Value)> _entries = [];

    public IReadOnlyList<(YamlScalar Key, YamlNode Value)> Entries => _entries;

    public YamlNode? Find(string key) => _entries.Find(entry => entry.Key.Text == key).Value;

    /// <summary>Sets a key, replacing what it had.</summary>
    public void Set(YamlScalar key, YamlNode value)
    {
        var index = _entries.FindIndex(entry => entry.Key.Text == key.Text);
        if (index < 0)
        {
            _entries.Add((key, value));
        }
        else
        {
            _entries[index] = (key, value);
        }
    }

    public override string Describe() => "a mapping";
}
