using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The chat templates of a model: that of every chat, and where the folder has one, that of chats with tools.</summary>
/// <remarks>Immutable; safe for concurrent use. Each is parsed when a chat first needs it: what is wrong with one is nothing to chats of the other.</remarks>
/// <param name="source">The template's text; null: there is none.</param>
/// <param name="toolSource">The text of the template of chats with tools; null: they take the other one.</param>
/// <param name="name">What the first one is called in messages.</param>
/// <param name="toolName">What the second one is called in messages.</param>
internal sealed class ModelTemplates(string? source, string? toolSource, string name, string toolName)
{
    private readonly Lazy<ModelTemplate?> _chat = new(() => source is null ? null : ModelTemplate.Parse(source, name));
    private readonly Lazy<ModelTemplate?> _tools = new(() => toolSource is null ? null : ModelTemplate.Parse(toolSource, toolName));

    /// <summary>The texts of both.</summary>
    public IReadOnlyList<string?> Sources => [source, toolSource];

    /// <summary>The template of chats without tools; null: there is none.</summary>
    /// <exception cref="InvalidInputException">It is no template, or has a construct that is not built.</exception>
    public ModelTemplate? Chat => _chat.Value;

    /// <summary>The template of a chat, as transformers chooses it; null: there is none.</summary>
    /// <param name="tools">What the chat names as its tools: an empty list is a list of tools too.</param>
    /// <exception cref="InvalidInputException">It is no template, or has a construct that is not built.</exception>
    public ModelTemplate? Of(JsonElement? tools) => toolSource is not null && tools is { ValueKind: not JsonValueKind.Null } ? _tools.Value : Chat;
}
