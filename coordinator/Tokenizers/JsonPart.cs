using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>A value inside a foreign JSON document that knows its place, for messages.</summary>
/// <remarks>A key whose value is null reads as absent. Only <see cref="InvalidInputException"/> is thrown.</remarks>
internal readonly record struct JsonPart(string Document, string Path, JsonElement Element)
{
    /// <summary>Highest id that is read: no model has so many tokens, and the next ones still have numbers.</summary>
    public const int MaxId = 1_000_000_000;

    /// <summary>Where this value stands: document and path.</summary>
    public string Where => Path.Length == 0 ? Document : $"{Document}, {Path}";

    public JsonPart? Find(string key)
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        return Element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null
            ? new JsonPart(Document, Path.Length == 0 ? key : $"{Path}.{key}", value)
            : null;
    }

    public JsonPart Get(string key) => Find(key) ?? throw new InvalidInputException($"{Where} lacks '{key}'; the file is damaged or of another kind.");

    public string Text() => Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Wrong("a string");

    public bool Flag(string key, bool absent) => Find(key) switch
    {
        null => absent,
        { Element.ValueKind: JsonValueKind.True } => true,
        { Element.ValueKind: JsonValueKind.False } => false,
        { } part => throw part.Wrong("true or false"),
    };

    public int Id() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int id) && id is >= 0 and <= MaxId ? id : throw Wrong("a token id");

    public IEnumerable<JsonPart> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("a list");
        }

        return List();
    }

    /// <summary>The members of an object, those that are null too.</summary>
    public IEnumerable<(string Name, JsonPart Part)> Members()
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        var part = this;
        return Element.EnumerateObject().Select(member => (member.Name, new JsonPart(part.Document, part.Path.Length == 0 ? member.Name : $"{part.Path}.{member.Name}", member.Value)));
    }

    public InvalidInputException Wrong(string expected) => new($"{Where} must be {expected}, not {ForeignText.Clip(Element.GetRawText())}.");

    /// <summary>The sentence for a component that is not built.</summary>
    public InvalidInputException Unknown(string kind, string name, string known) =>
        new($"{Where}: the {kind} '{ForeignText.Clip(name)}' is not supported (supported: {known}); use a tokenizer.json that does without it.");

    private IEnumerable<JsonPart> List()
    {
        int index = 0;
        foreach (var item in Element.EnumerateArray())
        {
            yield return new JsonPart(Document, $"{Path}[{index++}]", item);
        }
    }
}
