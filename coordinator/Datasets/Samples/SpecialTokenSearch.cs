using System.Buffers;
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

    /// <summary>Looks at the messages of a chat; rows of plain text may well be written with special tokens on purpose.</summary>
    public void LookAt(DataRow row, RecordPlace place, RemarkTally remarks)
    {
        if (row is not ChatRow chat)
        {
            return;
        }

        for (var i = 0; i < chat.Roles.Count; i++)
        {
            if (chat.ContentOf(i) is { } content && Find(content) is { } token)
            {
                remarks.Add(RemarkCode.SpecialTokenText, place, $"the content of a message of the role {chat.Roles[i]} holds {token}, which becomes the special token");
            }
        }
    }

    private string? Find(string content)
    {
        var at = content.AsSpan().IndexOfAny(_search);
        return at < 0 ? null : _texts.First(text => content.AsSpan(at).StartsWith(text, StringComparison.Ordinal));
    }
}
