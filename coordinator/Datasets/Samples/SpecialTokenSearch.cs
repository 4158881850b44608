using System.Buffers;
using System.Text.Json;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Finds texts of special tokens inside what people wrote: the tokenizer would take them for the token itself.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
internal sealed class SpecialTokenSearch
{
    private readonly string[] _texts;
    private readonly SearchValues<string> _search;

    private SpecialTokenSearch(string[] texts) => (_texts, _search) = (texts, SearchValues.Create(texts, StringComparison.Ordinal));

    public static SpecialTokenSearch Of(Tokenizer tokenizer) =>
        new([.. tokenizer.SpecialIds.Select(tokenizer.TokenText).OfType<string>().Where(text => text.Length > 0).OrderByDescending(text => text.Length).ThenBy(text => text, StringComparer.Ordinal)]);

    /// <summary>Looks at the messages of a chat, and at a prompt that is a text.</summary>
    /// <remarks>Not at completions, which may bring the token that ends them, nor at rows of plain text, which may well be written with special tokens on purpose.</remarks>
    public void LookAt(DataRow row, RecordPlace place, RemarkTally remarks)
    {
        switch (row)
        {
            case CompletionRow pair when Find(pair.Prompt) is { } token:
                remarks.Add(RemarkCode.SpecialTokenText, place, $"the prompt holds {token}, which becomes the special token");
                break;
            case ChatRow chat:
                LookAt(chat, place, remarks);
                break;
        }
    }

    private void LookAt(ChatRow chat, RecordPlace place, RemarkTally remarks)
    {
        foreach (var (message, role) in chat.Each.Zip(chat.Roles))
        {
            if (Texts(message).Select(Find).FirstOrDefault(token => token is not null) is { } token)
            {
                remarks.Add(RemarkCode.SpecialTokenText, place, $"the content of a message of the role {role} holds {token}, which becomes the special token");
            }
        }
    }

    /// <summary>The texts of a message: its content, or the parts of it that are texts.</summary>
    private static IEnumerable<string> Texts(JsonElement message)
    {
        if (!message.TryGetProperty("content", out var content))
        {
            return [];
        }

        return content.ValueKind == JsonValueKind.Array ? content.EnumerateArray().SelectMany(TextsOfPart) : TextsOfPart(content);
    }

    // "text", or {"type": "text", "text": "text"}.
    private static IEnumerable<string> TextsOfPart(JsonElement part) => part.ValueKind switch
    {
        JsonValueKind.String => [part.GetString()!],
        JsonValueKind.Object when part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String => [text.GetString()!],
        _ => [],
    };

    private string? Find(string content)
    {
        var at = content.AsSpan().IndexOfAny(_search);
        return at < 0 ? null : _texts.First(text => content.AsSpan(at).StartsWith(text, StringComparison.Ordinal));
    }
}
