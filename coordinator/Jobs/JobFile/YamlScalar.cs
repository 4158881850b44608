namespace Orchestrator.Coordinator.Jobs;

/// <summary>A value without children. Quoted ones are always text.</summary>
internal sealed class YamlScalar(YamlPlace place, string text, bool plain) : YamlNode(place)
{
    public string Text => text;

    public bool IsPlain => plain;

    public bool IsNull => plain && text is "" or "~" or "null" or "Null" or "NULL";

    public override string Describe() => IsNull ? "null" : Sentence.Quote(text);
}
