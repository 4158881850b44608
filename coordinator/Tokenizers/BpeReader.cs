using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads the <c>model</c> of tokenizer.json: a byte-level BPE.</summary>
internal static class BpeReader
{
    public static (BpeVocabulary Vocabulary, BpeModel Model) Read(JsonPart part)
    {
        string type = part.Find("type")?.Text() ?? "BPE";
        if (type != "BPE")
        {
            throw part.Unknown("model", type, "BPE");
        }

        RefuseOptions(part);
        var vocabulary = Vocabulary(part.Get("vocab"));
        if (part.Flag("byte_fallback", absent: false) && HasAllBytes(vocabulary) is false)
        {
            throw new InvalidInputException($"{part.Where}.byte_fallback: it is not supported where the vocabulary lacks a byte; use a byte-level tokenizer.");
        }

        var unknown = part.Find("unk_token");
        int? unknownIndex = unknown is not { } token ? null : vocabulary.IndexOf(token.Text())
            ?? throw new InvalidInputException($"{token.Where}: '{ForeignText.Clip(token.Text())}' is not in the vocabulary; correct the file.");
        var merges = Merges(part.Get("merges"), vocabulary);
        return (vocabulary, new BpeModel(vocabulary, merges, part.Flag("ignore_merges", absent: false), unknownIndex, part.Flag("fuse_unk", absent: false)));
    }

    private static bool HasAllBytes(BpeVocabulary vocabulary) =>
        Enumerable.Range(0, 256).All(value => vocabulary.IndexOf(ByteAlphabet.Character((byte)value).ToString()) is not null);

    private static void RefuseOptions(JsonPart part)
    {
        foreach (string key in (ReadOnlySpan<string>)["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (part.Find(key) is { } affix && affix.Text().Length > 0)
            {
                throw part.Unknown("option", $"{key}: {affix.Text()}", "none");
            }
        }

        if (part.Find("dropout") is { } dropout && !(dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.TryGetDouble(out double rate) && rate == 0))
        {
            throw new InvalidInputException($"{dropout.Where}: merges that are dropped at random are not supported; set it to null.");
        }
    }

    private static BpeVocabulary Vocabulary(JsonPart part)
    {
        if (part.Element.ValueKind != JsonValueKind.Object)
        {
            throw part.Wrong("an object of tokens and ids");
        }

        var tokens = new List<(string Text, int Id)>();
        var ids = new HashSet<int>();
        foreach (var property in part.Element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Number || !property.Value.TryGetInt32(out int id) || id is < 0 or > JsonPart.MaxId || !ids.Add(id))
            {
                throw new InvalidInputException(
                    $"{part.Where}: the token '{ForeignText.Clip(property.Name)}' has {ForeignText.Clip(property.Value.GetRawText())}, which is no id or another token's; correct the file.");
            }

            tokens.Add((property.Name, id));
        }

        return new BpeVocabulary(tokens);
    }

    // "a b" or ["a", "b"]: only the second can say tokens with spaces.
    private static BpeMerges Merges(JsonPart part, BpeVocabulary vocabulary)
    {
        if (part.Element.ValueKind != JsonValueKind.Array)
        {
            throw part.Wrong("a list of merges");
        }

        var merges = new BpeMerges(part.Element.GetArrayLength(), vocabulary.Count);
        int rank = 0;
        foreach (var merge in part.Element.EnumerateArray())
        {
            var (left, right) = Sides(merge);
            if (left is null || right is null)
            {
                throw new InvalidInputException($"{part.Where}[{rank}]: {ForeignText.Clip(merge.GetRawText())} is no merge of two tokens; correct the file.");
            }

            if (vocabulary.IndexOf(left) is not { } leftIndex || vocabulary.IndexOf(right) is not { } rightIndex || vocabulary.IndexOf(left + right) is not { } result)
            {
                throw new InvalidInputException($"{part.Where}[{rank}]: the merge '{ForeignText.Clip(left)}' '{ForeignText.Clip(right)}' names or makes a token that is not in the vocabulary; correct the file.");
            }

            merges.Add(leftIndex, rightIndex, rank++, result);
        }

        return merges;
    }

    private static (string? Left, string? Right) Sides(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.String)
        {
            string text = merge.GetString()!;
            int space = text.IndexOf(' ');
            return space >= 0 && space == text.LastIndexOf(' ') ? (text[..space], text[(space + 1)..]) : (null, null);
        }

        return merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2 && merge.EnumerateArray().All(side => side.ValueKind == JsonValueKind.String)
            ? (merge[0].GetString(), merge[1].GetString())
            : (null, null);
    }
}
