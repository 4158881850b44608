namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads the <c>added_tokens</c> of tokenizer.json.</summary>
/// <remarks>
/// The ids written there do not count, as in the library: a token that the model's vocabulary has keeps the id it has there, every other gets the next one
/// after the vocabulary's size. Of two entries with one content the later's flags count.
/// </remarks>
internal static class AddedTokensReader
{
    // Longer ones would make the search slow, and are no tokens.
    private const int MaxLength = 1_000;

    public static IReadOnlyList<AddedToken> Read(JsonPart? part, BpeVocabulary vocabulary)
    {
        var tokens = new List<AddedToken>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        int next = vocabulary.Count;
        foreach (var item in part?.Items() ?? [])
        {
            string content = item.Get("content").Text();
            if (content.Length > MaxLength)
            {
                throw new InvalidInputException($"{item.Where}: the token has {content.Length} characters, at most {MaxLength} are supported; remove it.");
            }

            if (content.Length == 0)
            {
                continue;
            }

            bool known = places.TryGetValue(content, out int place);
            int id = known ? tokens[place].Id : vocabulary.IndexOf(content) is { } index ? vocabulary.Id(index) : next;
            next = Math.Max(next, id + 1);
            var token = Token(item, id, content);
            if (known)
            {
                tokens[place] = token;
            }
            else
            {
                places.Add(content, tokens.Count);
                tokens.Add(token);
            }
        }

        return tokens;
    }

    private static AddedToken Token(JsonPart item, int id, string content)
    {
        bool special = item.Flag("special", absent: false);
        return new AddedToken(
            id, content, item.Flag("single_word", absent: false), item.Flag("lstrip", absent: false), item.Flag("rstrip", absent: false), item.Flag("normalized", absent: !special), special);
    }
}
