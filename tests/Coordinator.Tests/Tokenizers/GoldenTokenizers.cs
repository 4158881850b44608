using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>Tokenizer folders with what the tokenizers library makes of many texts.</summary>
internal static class GoldenTokenizers
{
    public static Tokenizer Open(string name) => Tokenizer.Open(Fixtures.At("tokenizers", name));

    /// <summary>The rows of a gzipped JSONL file, cut at line feeds only: the texts hold other line ends.</summary>
    public static IEnumerable<JsonNode> Rows(params string[] parts) => Text(parts).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!);

    /// <summary>The content of a gzipped file.</summary>
    public static string Text(params string[] parts) => Fixtures.Unpacked(["tokenizers", .. parts]);

    public static int[] Ints(JsonNode row, string key) => [.. row[key]!.AsArray().Select(value => (int)value!)];
}
