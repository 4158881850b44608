using System.Text.Json;

namespace Orchestrator.Coordinator.Templates;

/// <summary>What a chat template is given, as transformers' apply_chat_template takes it.</summary>
/// <remarks>Immutable. The JSON keeps its key order and its spelling of numbers; an absent element is Python's None.</remarks>
internal sealed record ChatInput
{
    /// <summary>An argument of apply_chat_template itself: among the kwargs it is no variable.</summary>
    public const string ContinueArgument = "continue_final_message";

    /// <summary>A JSON array of messages (objects with role and content).</summary>
    public required JsonElement Messages { get; init; }

    /// <summary>The moment that strftime_now tells.</summary>
    public required DateTime Clock { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? Documents { get; init; }

    /// <summary>A JSON object: every member but <see cref="ContinueArgument"/> is a variable of the template and wins over the special tokens.</summary>
    public JsonElement? Kwargs { get; init; }

    public bool AddGenerationPrompt { get; init; }

    /// <summary>Ends the text right after the last message's content, so that a model goes on with it.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>bos_token, eos_token and the rest of the tokenizer's map, by name.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
