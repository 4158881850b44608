using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A row of a data file as the input of a template: messages, tools, documents and kwargs.</summary>
/// <remarks>add_generation_prompt and continue_final_message stand among the kwargs, as they are arguments of apply_chat_template.</remarks>
internal static class ChatInputReader
{
    /// <param name="row">The row.</param>
    /// <param name="specialTokens">The tokenizer's named tokens.</param>
    /// <param name="clock">What strftime_now tells.</param>
    /// <exception cref="RowException">The row is no chat.</exception>
    public static ChatInput Read(JsonElement row, IReadOnlyDictionary<string, string> specialTokens, DateTime clock)
    {
        if (row.ValueKind != JsonValueKind.Object || Member(row, "messages") is not { ValueKind: JsonValueKind.Array } messages)
        {
            throw new RowException("a chat is an object with a list of \"messages\"");
        }

        var kwargs = Member(row, "kwargs");
        if (kwargs is { ValueKind: not JsonValueKind.Object })
        {
            throw new RowException("\"kwargs\" must be an object; each of its keys is a variable of the template");
        }

        return new ChatInput
        {
            Messages = messages,
            Clock = clock,
            Tools = Member(row, "tools"),
            Documents = Member(row, "documents"),
            Kwargs = kwargs,
            AddGenerationPrompt = Flag(kwargs, "add_generation_prompt"),
            ContinueFinalMessage = Flag(kwargs, ChatInput.ContinueArgument),
            SpecialTokens = specialTokens,
        };
    }

    private static JsonElement? Member(JsonElement row, string name) =>
        row.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;

    private static bool Flag(JsonElement? kwargs, string name) => kwargs is { } given && Member(given, name) is { } flag && flag.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new RowException($"\"{name}\" must be true or false"),
    };
}
