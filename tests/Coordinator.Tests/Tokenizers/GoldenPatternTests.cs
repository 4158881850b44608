using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Tokenizers;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>Patterns, classes and single components against the library's own answers.</summary>
public sealed class GoldenPatternTests
{
    [Fact]
    public void FindAll_EveryGoldenPatternOnEveryText_GivesTheEnginesPieces()
    {
        var rows = GoldenTokenizers.Rows("regex_splits.jsonl.gz").ToList();
        var programs = rows[0]["patterns"]!.AsObject().ToDictionary(pair => pair.Key, pair => new SplitPreTokenizer(PatternProgram.Compile((string)pair.Value!, pair.Key), SplitBehavior.Isolated, invert: false));
        var matcher = new PatternMatcher();

        Assert.Equal(9, programs.Count);
        Assert.Equal(2_485, rows.Count);
        foreach (var row in rows.Skip(1))
        {
            var pieces = new List<AlignedText>();
            programs[(string)row["pattern"]!].Split(AlignedText.Of((string)row["text"]!), matcher, pieces);
            Assert.True(Strings(row["pieces"]!).SequenceEqual(pieces.Select(Text)), $"{row["pattern"]}, '{row["text"]}': {string.Join('|', pieces.Select(Text))}");
        }
    }

    /// <summary>The runtime's tables and the engine's are of one Unicode version: every code point of every class.</summary>
    [Fact]
    public void Property_EveryGoldenClass_HasTheEnginesCodePoints()
    {
        var classes = JsonNode.Parse(GoldenTokenizers.Text("unicode_classes.json.gz"))!["classes"]!.AsObject();

        Assert.Equal(11, classes.Count);
        foreach (var (name, ranges) in classes)
        {
            var set = name == @"\s" ? UnicodeSets.Space : UnicodeSets.Property(name[3..^1])!;
            var expected = RuneSet.FromRanges([.. ranges!.AsArray().Select(range => ((int)range![0]!, (int)range[1]!))]);
            Assert.Equal(expected.Ranges, set.Ranges);
        }
    }

    [Fact]
    public void Compile_IgnoringCase_FoldsAsTheEngineDoes()
    {
        var folds = JsonNode.Parse(GoldenTokenizers.Text("unicode_classes.json.gz"))!["case_insensitive"]!.AsObject();

        Assert.True(folds.Count >= 9);
        foreach (var (letter, members) in folds)
        {
            var set = ((SetNode)PatternParser.Parse($"(?i:{letter})", "test")).Set;
            Assert.Equal(Strings(members!).Select(code => Convert.ToInt32(code[2..], 16)).Order(), set.Ranges.SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1)));
        }
    }

    /// <summary>Components that are supported give the library's result; the others are refused by name.</summary>
    [Fact]
    public void Components_EveryGoldenCase_IsExactOrRefusedByName()
    {
        var seen = new Dictionary<string, int>();
        foreach (var row in GoldenTokenizers.Rows("components.jsonl.gz"))
        {
            string kind = row["pre_tokenizer"] is not null ? "pre_tokenizer" : row["normalizer"] is not null ? "normalizer" : "decoder";
            if (kind == "decoder")
            {
                continue;
            }

            using var document = JsonDocument.Parse(row[kind]!.ToJsonString());
            var part = new JsonPart("components", kind, document.RootElement);
            string type = (string)row[kind]!["type"]!;
            string text = (string)row["text"]!;
            try
            {
                string[] actual = kind == "normalizer" ? [Text(NormalizerReader.Read(part)!.Apply(AlignedText.Of(text)))] : Split(part, text);
                string[] expected = kind == "normalizer" ? [(string)row["result"]!] : [.. Strings(row["pieces"]!)];
                Assert.True(expected.SequenceEqual(actual), $"{row[kind]!.ToJsonString()}, '{text}': {string.Join('|', actual)}, not {string.Join('|', expected)}");
                seen[type] = seen.GetValueOrDefault(type) + 1;
            }
            catch (InvalidInputException refusal)
            {
                Assert.Contains($"'{type}' is not supported", refusal.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal(["ByteLevel", "Digits", "Lowercase", "NFC", "NFD", "Split"], seen.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(18 * 15, seen["Split"]);
    }

    private static string[] Split(JsonPart part, string text)
    {
        var pieces = new List<AlignedText>();
        PreTokenizerReader.ReadOne(part).Split(AlignedText.Of(text), new PatternMatcher(), pieces);
        bool byteLevel = part.Get("type").Text() == "ByteLevel";
        return [.. pieces.Select(piece => byteLevel ? string.Concat(piece.Bytes.ToArray().Select(ByteAlphabet.Character)) : Text(piece))];
    }

    private static string Text(AlignedText text) => Encoding.UTF8.GetString(text.Bytes);

    private static IEnumerable<string> Strings(JsonNode node) => node.AsArray().Select(item => item is JsonArray pair ? (string)pair[0]! : (string)item!);
}
