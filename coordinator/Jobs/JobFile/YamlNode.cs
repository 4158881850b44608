namespace Orchestrator.Coordinator.Jobs;

/// <summary>Where a piece of the job came from: the document or one option of the command line.</summary>
/// <param name="Name">The document's name, or the option as it was given.</param>
/// <param name="Folder">What relative paths are relative to.</param>
/// <param name="Order">0 for the document, then the options in order.</param>
internal sealed record YamlSource(string Name, string Folder, int Order);

/// <summary>A place in a source; line and column count from 1.</summary>
internal readonly record struct YamlPlace(YamlSource Source, long Line, long Column)
{
    public override string ToString() => Source.Order == 0 ? $"{Source.Name}, line {Line}, column {Column}" : Source.Name;
}

/// <summary>A node of a parsed document that knows its place.</summary>
internal abstract class YamlNode(YamlPlace place)
{
    public YamlPlace Place => place;

    /// <summary>What a person would call it.</summary>
    public abstract string Describe();
}

/// <summary>A value without children. Quoted ones are always text.</summary>
internal sealed class YamlScalar(YamlPlace place, string text, bool plain) : YamlNode(place)
{
    public string Text => text;

    public bool IsPlain => plain;

    public bool IsNull => plain && text is "" or "~" or "null" or "Null" or "NULL";

    public override string Describe() => IsNull ? "null" : Sentence.Quote(text);
}

internal sealed class YamlSequence(YamlPlace place, IReadOnlyList<YamlNode> items) : YamlNode(place)
{
    public IReadOnlyList<YamlNode> Items => items;

    public override string Describe() => "a list";
}

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
