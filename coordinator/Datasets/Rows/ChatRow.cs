using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A conversation, in the keys that chat templates know.</summary>
internal sealed record ChatRow : DataRow
{
    private readonly JsonElement[] _each = [];

    /// <summary>A JSON array of objects with role and content.</summary>
    public required JsonElement Messages
    {
        get;
        init => (field, _each) = (value, [.. value.EnumerateArray()]);
    }

    /// <summary>The messages one by one: an index into the JSON array itself is counted from its start, which takes the square of a long chat's length.</summary>
    public IReadOnlyList<JsonElement> Each => _each;

    /// <summary>The role of each message.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Messages before the completion; all of them where there is none.</summary>
    public required int PromptMessages { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? Documents { get; init; }

    /// <summary>Variables for the template.</summary>
    public JsonElement? Kwargs { get; init; }

    /// <summary>The text of a message; null where it has none or a list of parts.</summary>
    public string? ContentOf(int message)
        => _each[message].TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? content.GetString() : null;
}
