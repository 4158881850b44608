using System.Collections.Frozen;
using System.Text;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>The tokenizer of a model folder: text to ids and back, exactly as the tokenizers library does it.</summary>
/// <remarks>Used by any number of threads at the same time. See the README of this folder for what is supported and why the encoder is our own.</remarks>
internal sealed class Tokenizer
{
    /// <summary>The file that <see cref="Open"/> reads.</summary>
    public const string FileName = "tokenizer.json";

    private readonly BpeModel _model;
    private readonly Normalizer? _normalizer;
    private readonly PreTokenizer _preTokenizer;
    private readonly PostProcessor _postProcessor;
    private readonly AddedTokenMatcher _rawTokens;
    private readonly AddedTokenMatcher _normalizedTokens;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, TokenEntry> _tokens;

    private Tokenizer(JsonPart root)
    {
        (var vocabulary, _model) = BpeReader.Read(root.Get("model"));
        _normalizer = NormalizerReader.Read(root.Find("normalizer"));
        _preTokenizer = PreTokenizerReader.Read(root.Find("pre_tokenizer"), root.Document);
        _postProcessor = PostProcessorReader.Read(root.Find("post_processor"));
        DecoderReader.Check(root.Find("decoder"), root.Document);
        var added = AddedTokensReader.Read(root.Find("added_tokens"), vocabulary);

        _ids = new Dictionary<string, int>(vocabulary.Count + added.Count, StringComparer.Ordinal);
        _tokens = new Dictionary<int, TokenEntry>(vocabulary.Count + added.Count);
        foreach (var (text, id) in vocabulary.Tokens)
        {
            _ids[text] = id;
            _tokens[id] = new TokenEntry(text, ByteAlphabet.Decode(text), IsSkipped: false);
        }

        // The library skips special tokens by the text that it shows: one that normalizing changes is never skipped.
        var special = added.Where(token => token.Special).Select(token => token.Content).ToHashSet(StringComparer.Ordinal);
        foreach (var token in added)
        {
            string shown = Shown(token);
            _ids[token.Content] = token.Id;
            _tokens[token.Id] = new TokenEntry(token.Content, ByteAlphabet.Decode(shown), special.Contains(shown));
        }

        SpecialIds = added.Where(token => token.Special).Select(token => token.Id).ToFrozenSet();
        VocabSize = _tokens.Count == 0 ? 0 : _tokens.Keys.Max() + 1;

        // Special tokens first: of two that become equal by normalizing, the library finds the special one.
        var ordered = added.OrderBy(token => !token.Special).ToList();
        _rawTokens = new AddedTokenMatcher(ordered.Where(token => !token.Normalized).Select(token => (token, Encoding.UTF8.GetBytes(token.Content))));
        _normalizedTokens = new AddedTokenMatcher(ordered.Where(token => token.Normalized).Select(token => (token, Normalize(AlignedText.Of(token.Content)).Bytes.ToArray())));
    }

    /// <summary>One more than the highest id: how many rows a model's embedding needs.</summary>
    public int VocabSize { get; }

    /// <summary>Ids of the tokens that are marked as special.</summary>
    public IReadOnlySet<int> SpecialIds { get; }

    /// <summary>Reads tokenizer.json of a model folder.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or has a component that is not supported.</exception>
    public static Tokenizer Open(string modelFolder)
    {
        string path = Path.Combine(modelFolder, FileName);
        if (!File.Exists(path))
        {
            throw new InvalidInputException($"The folder '{modelFolder}' has no {FileName}; save the model's tokenizer into it (transformers' save_pretrained writes the file).");
        }

        return new Tokenizer(Root(ConfigDocument.Read(path)));
    }

    /// <summary>Reads the content of a tokenizer.json; the name is for messages.</summary>
    /// <exception cref="InvalidInputException">It is damaged, or has a component that is not supported.</exception>
    public static Tokenizer Parse(ReadOnlyMemory<byte> tokenizerJson, string documentName) => new(Root(ConfigDocument.Parse(tokenizerJson, documentName)));

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">Any text; half a surrogate pair counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether the file's template adds its tokens (a BOS): yes for plain text, no for what a chat template wrote.</param>
    /// <exception cref="InvalidInputException">The file's pattern cannot be run on this text in bounded time.</exception>
    public TokenizerEncoding Encode(string text, bool addSpecialTokens)
    {
        var scratch = EncodeScratch.Take();
        try
        {
            _rawTokens.Cut(AlignedText.Of(text), scratch.Stretches);
            foreach (var (token, part) in scratch.Stretches)
            {
                if (token is null)
                {
                    EncodeStretch(Normalize(part), scratch);
                }
                else
                {
                    AddToken(token, part, scratch.Tokens);
                }
            }

            return _postProcessor.Apply(text, scratch.Tokens, this, addSpecialTokens);
        }
        finally
        {
            scratch.Return();
        }
    }

    /// <summary>The text of tokens; ids that no token has count for nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        int length = 0;
        foreach (int id in ids)
        {
            length += TokenBytes(id, skipSpecialTokens).Length;
        }

        byte[] bytes = new byte[length];
        int at = 0;
        foreach (int id in ids)
        {
            var token = TokenBytes(id, skipSpecialTokens);
            token.CopyTo(bytes.AsSpan(at));
            at += token.Length;
        }

        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>A decoder for tokens that come one by one.</summary>
    public StreamingDecoder NewDecoder(bool skipSpecialTokens) => new(this, skipSpecialTokens);

    /// <summary>The id of a token as the file spells it (byte-level: "Ġthe"), or null.</summary>
    public int? TokenId(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>A token as the file spells it, or null.</summary>
    public string? TokenText(int id) => _tokens.TryGetValue(id, out var token) ? token.Text : null;

    public bool IsSpecial(int id) => SpecialIds.Contains(id);

    /// <summary>The bytes that decoding a token gives.</summary>
    internal ReadOnlySpan<byte> TokenBytes(int id, bool skipSpecialTokens) =>
        _tokens.TryGetValue(id, out var token) && !(skipSpecialTokens && token.IsSkipped) ? token.Bytes : [];

    private static JsonPart Root(ConfigDocument document) => new(document.File, "", document.Root);

    // A token that is searched for in normalized text is decoded as it was searched for: behind Lowercase "Norm" gives "norm".
    private string Shown(AddedToken token) => token.Normalized ? Encoding.UTF8.GetString(Normalize(AlignedText.Of(token.Content)).Bytes) : token.Content;

    private AlignedText Normalize(AlignedText text) => _normalizer is null ? text : _normalizer.Apply(text);

    private void EncodeStretch(AlignedText text, EncodeScratch scratch)
    {
        scratch.NormalizedStretches.Clear();
        _normalizedTokens.Cut(text, scratch.NormalizedStretches);
        foreach (var (token, part) in scratch.NormalizedStretches)
        {
            if (token is not null)
            {
                AddToken(token, part, scratch.Tokens);
                continue;
            }

            scratch.Pieces.Clear();
            _preTokenizer.Split(part, scratch.Matcher, scratch.Pieces);
            foreach (var piece in scratch.Pieces)
            {
                EncodePiece(piece, scratch);
            }
        }
    }

    private void EncodePiece(AlignedText piece, EncodeScratch scratch)
    {
        int at = piece.Start;
        var tokens = _model.Encode(piece.Bytes, scratch.Merger);
        for (int i = 0; i < tokens.Length; i += 2)
        {
            int end = at + tokens[i + 1];
            scratch.Tokens.Add(tokens[i], piece.OriginStart(at), piece.OriginEnd(end - 1));
            at = end;
        }
    }

    private static void AddToken(AddedToken token, AlignedText part, TokenBuffer tokens) =>
        tokens.Add(token.Id, part.OriginStart(part.Start), part.OriginEnd(part.End - 1));

    private sealed record TokenEntry(string Text, byte[] Bytes, bool IsSkipped);
}
