namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>The model's tokens: text, id, and the place in the file as a number without gaps.</summary>
internal sealed class BpeVocabulary
{
    private const int MaxStackedCharacters = 256;

    private readonly Dictionary<string, int> _indices;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly int[] _ids;

    /// <param name="tokens">Text and id in file order, without repetition of either.</param>
    public BpeVocabulary(IReadOnlyList<(string Text, int Id)> tokens)
    {
        _indices = new Dictionary<string, int>(tokens.Count, StringComparer.Ordinal);
        _ids = new int[tokens.Count];
        for (int i = 0; i < tokens.Count; i++)
        {
            _indices.Add(tokens[i].Text, i);
            _ids[i] = tokens[i].Id;
        }

        _lookup = _indices.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public int Count => _ids.Length;

    /// <summary>All tokens in file order.</summary>
    public IEnumerable<(string Text, int Id)> Tokens => _indices.Select(pair => (pair.Key, _ids[pair.Value]));

    public int Id(int index) => _ids[index];

    public int? IndexOf(string text) => _indices.TryGetValue(text, out int index) ? index : null;

    public int? IndexOf(ReadOnlySpan<char> text) => _lookup.TryGetValue(text, out int index) ? index : null;

    /// <summary>The token that is spelled by these bytes as a whole.</summary>
    public int? IndexOf(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = bytes.Length <= MaxStackedCharacters ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            text[i] = ByteAlphabet.Character(bytes[i]);
        }

        return IndexOf((ReadOnlySpan<char>)text);
    }
}
