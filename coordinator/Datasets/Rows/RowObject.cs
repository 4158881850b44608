using System.Text.Json;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A JSON object of a row whose fields are asked for by the format's names.</summary>
/// <remarks>Of a key that stands twice the last value counts, as in Python. Every complaint names the field as the row calls it.</remarks>
internal readonly struct RowObject
{
    private readonly JsonElement _element;
    private readonly FieldNames _names;
    private readonly string _prefix;

    private RowObject(JsonElement element, FieldNames names, string prefix) => (_element, _names, _prefix) = (element, names, prefix);

    public JsonElement Element => _element;

    /// <param name="element">What stands where the object should.</param>
    /// <param name="names">How the row calls the fields.</param>
    /// <param name="what">What it is, for the complaint.</param>
    /// <param name="prefix">Stands before the names of its fields in complaints, e.g. <c>message 2: </c>.</param>
    public static RowObject Of(JsonElement element, FieldNames names, string what = "the row", string prefix = "")
        => element.ValueKind == JsonValueKind.Object ? new RowObject(element, names, prefix) : throw new RowException($"{what} is {Describe(element)} where an object is expected");

    /// <summary>A JSON value in words.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Number => "a number",
        JsonValueKind.String => "a text",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };

    /// <summary>A field that is there and not null.</summary>
    public JsonElement? Find(string field)
        => _element.TryGetProperty(_names[field], out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A field that must be there.</summary>
    public JsonElement Require(string field, string expected)
    {
        if (!_element.TryGetProperty(_names[field], out var value))
        {
            throw new RowException($"{_prefix}the field {Sentence.Quote(_names[field])} is missing");
        }

        return value.ValueKind != JsonValueKind.Null ? value : throw Wrong(field, value, expected);
    }

    /// <summary>A text that must be there; it may be empty.</summary>
    public string Text(string field) => TextOf(field, Require(field, "a text"));

    /// <summary>A text; null where it is missing or null.</summary>
    public string? OptionalText(string field) => Find(field) is { } value ? TextOf(field, value) : null;

    /// <summary>A list that must be there; it may be empty.</summary>
    public JsonElement List(string field)
    {
        var value = Require(field, "a list");
        return value.ValueKind == JsonValueKind.Array ? value : throw Wrong(field, value, "a list");
    }

    public RowException Wrong(string field, JsonElement value, string expected)
        => new($"{_prefix}the field {Sentence.Quote(_names[field])} is {Describe(value)}; {expected} is expected");

    public string NameOf(string field) => _names[field];

    private string TextOf(string field, JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(field, value, "a text");
}
