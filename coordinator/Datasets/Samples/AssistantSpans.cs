using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Finds where the assistant's turns stand in a rendered chat whose template has no generation marks.</summary>
/// <remarks>
/// A turn begins where the text of the messages before it, ended by the generation prompt, ends, and it ends where the text of the messages up to it ends,
/// white space left out: with the token that ends the turn, without the line break after it. Where a template refuses such a shorter chat, or writes a turn
/// differently once others follow it (it drops earlier reasoning, say), the whole chat is rendered with another content in the turn's place: what is
/// the same before and after is not the turn's. What cannot be found is refused.
/// </remarks>
internal sealed class AssistantSpans(ChatRow chat, Func<JsonElement, bool, string> render, string text)
{
    /// <summary>No letters, whose case a template may change; no white space, which it may trim.</summary>
    private const string Stand = "7391846205917364";

    /// <summary>Half-open spans in UTF-16 units of the text, in order.</summary>
    /// <exception cref="RowException">A turn cannot be found.</exception>
    public IReadOnlyList<(int Start, int End)> Find()
    {
        var spans = new List<(int Start, int End)>();
        for (var turn = 0; turn < chat.Roles.Count; turn++)
        {
            if (chat.Roles[turn] == ChatRoles.Assistant && Span(turn) is var (start, end) && end > start)
            {
                spans.Add((start, end));
            }
        }

        return spans;
    }

    private (int Start, int End) Span(int turn)
    {
        var prompt = Shorter(turn, generationPrompt: true);
        var upTo = turn + 1 == chat.Roles.Count ? text : Shorter(turn + 1, generationPrompt: false);
        var hasStart = prompt is not null && text.StartsWith(prompt, StringComparison.Ordinal);
        var hasEnd = upTo is not null && text.StartsWith(upTo, StringComparison.Ordinal);
        if (hasStart && hasEnd && upTo!.Length >= prompt!.Length)
        {
            return (prompt.Length, TrimmedEnd(prompt.Length, upTo.Length));
        }

        var (contentStart, contentEnd) = Content(turn);
        var start = hasStart && prompt!.Length <= contentStart ? prompt.Length : contentStart;
        return (start, TrimmedEnd(start, hasEnd && upTo!.Length >= contentEnd ? upTo.Length : EndAfter(turn, contentEnd, upTo)));
    }

    private int TrimmedEnd(int start, int end) => start + text.AsSpan(start, end - start).TrimEnd().Length;

    /// <summary>The end of the turn: as much of what follows its content as follows it at the end of the shorter chat.</summary>
    private int EndAfter(int turn, int contentEnd, string? upTo)
    {
        var content = chat.ContentOf(turn)!.Trim();
        var last = upTo?.LastIndexOf(content, StringComparison.Ordinal) ?? -1;
        return last < 0 ? contentEnd : contentEnd + text.AsSpan(contentEnd).CommonPrefixLength(upTo.AsSpan(last + content.Length));
    }

    private (int Start, int End) Content(int turn)
    {
        if (chat.ContentOf(turn)?.Trim() is not { Length: > 0 } content || Replaced(turn) is not { } other)
        {
            throw Lost(turn);
        }

        var start = other.IndexOf(Stand, StringComparison.Ordinal);
        var after = start < 0 ? 0 : other.Length - start - Stand.Length;
        var isSame = start >= 0 && start + content.Length + after == text.Length
            && text.AsSpan(0, start).SequenceEqual(other.AsSpan(0, start)) && text.AsSpan(start).StartsWith(content, StringComparison.Ordinal)
            && text.EndsWith(other[^after..], StringComparison.Ordinal);
        return isSame ? (start, start + content.Length) : throw Lost(turn);
    }

    /// <summary>The text of the first messages; null where the template refuses a chat that ends there.</summary>
    private string? Shorter(int messages, bool generationPrompt) => messages == 0 ? null : TryRender(chat.Messages.EnumerateArray().Take(messages), -1, generationPrompt);

    /// <summary>The text of the whole chat with another content in one turn's place.</summary>
    private string? Replaced(int turn) => TryRender(chat.Messages.EnumerateArray(), turn, generationPrompt: false);

    private string? TryRender(IEnumerable<JsonElement> messages, int replaced, bool generationPrompt)
    {
        var list = new MessageListBuilder();
        foreach (var (message, role) in messages.Zip(chat.Roles))
        {
            if (list.Roles.Count == replaced)
            {
                list.Add(role, $"\"{Stand}\"", message.EnumerateObject().Where(member => member.Name is not ("role" or "content")));
            }
            else
            {
                list.Add(role, message);
            }
        }

        try
        {
            return render(list.Build(), generationPrompt);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    private static RowException Lost(int turn) => new(
        $"message {turn + 1}, an assistant turn, cannot be found in the text that the chat template makes; "
        + "mark the turns with {% generation %} in the template, or set data.loss_on to completion or all");
}
