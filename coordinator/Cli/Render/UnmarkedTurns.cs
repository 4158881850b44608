using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Cli.Render;

/// <summary>The assistant's part of chats whose template has no <c>{% generation %}</c> marks: found as training finds it.</summary>
internal static class UnmarkedTurns
{
    private static readonly string[] Arguments = ["add_generation_prompt", ChatInput.ContinueArgument];

    /// <summary>The rendered chat with the assistant's turns as its spans.</summary>
    /// <param name="template">The template.</param>
    /// <param name="input">What it was given.</param>
    /// <param name="rendered">What it made of it; with a generation prompt at its end, or cut in the last turn, as was asked.</param>
    /// <exception cref="RowException">A turn cannot be found.</exception>
    public static RenderedChat Find(ChatTemplate template, ChatInput input, RenderedChat rendered)
    {
        List<string> roles = [.. input.Messages.EnumerateArray().Select(RoleOf)];
        if (!roles.Contains(ChatRoles.Assistant, StringComparer.Ordinal)) return rendered;
        var chat = new ChatRow { Messages = input.Messages, Roles = roles, PromptMessages = roles.Count };
        var plain = input with { Kwargs = WithoutArguments(input.Kwargs), ContinueFinalMessage = false };
        var allowance = new StepAllowance(RowRenderer.MostSteps);
        string Render(JsonElement messages, bool prompt) => template.Render(plain with { Messages = messages, AddGenerationPrompt = prompt }, allowance: allowance).Text;

        var whole = Render(input.Messages, false);
        var spans = new AssistantSpans(chat, Render, whole).Find();
        var common = whole.AsSpan().CommonPrefixLength(rendered.Text);
        if (common < Math.Min(whole.Length, rendered.Text.Length))
            throw new RowException("the chat template writes the turns differently with the row's add_generation_prompt or continue_final_message");
        return rendered with { Generations = [.. spans.Where(span => span.Start < common).Select(span => (span.Start, Math.Min(span.End, common)))] };
    }

    // Templates take rows that no dataset would have: what is no message, or has no role, is nobody's turn.
    private static string RoleOf(JsonElement message) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String ? role.GetString()! : "";

    /// <summary>The variables without the two that say how the text ends: shorter chats end in their own way.</summary>
    private static JsonElement? WithoutArguments(JsonElement? kwargs) => kwargs is { ValueKind: JsonValueKind.Object } given && Arguments.Any(name => given.TryGetProperty(name, out _))
        ? JsonSerializer.SerializeToElement(given.EnumerateObject().Where(member => !Arguments.Any(member.NameEquals))
            .GroupBy(member => member.Name, StringComparer.Ordinal).ToDictionary(members => members.Key, members => members.Last().Value, StringComparer.Ordinal))
        : kwargs;
}
