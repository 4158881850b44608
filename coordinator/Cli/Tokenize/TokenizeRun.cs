using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Tokenize;

/// <summary>Tokenizes one text or the texts of a file.</summary>
internal sealed class TokenizeRun(Tokenizer tokenizer, bool addSpecialTokens, bool json, TextWriter results)
{
    /// <exception cref="InvalidInputException">Neither or both are given, or a line has no text.</exception>
    public void Run(string? text, string? data)
    {
        switch (text, data)
        {
            case ({ } given, null):
                Tokenize(given);
                break;
            case (null, { } file):
                RunFile(file);
                break;
            default:
                throw new InvalidInputException("tokenize takes a TEXT or --data FILE.jsonl: give one of them.");
        }
    }

    private void RunFile(string file)
    {
        List<string> texts = [];
        var faults = new RowFaults();
        using var lines = new JsonLines(file);
        faults.ReadAll(lines, file, () => texts.Add(Text(lines)));
        faults.ThrowIfAny();
        texts.ForEach(Tokenize);
    }

    private static string Text(JsonLines lines)
    {
        using var row = JsonRecord.Parse(lines.Line, lines.Place, out var wasRepaired);
        if (wasRepaired)
        {
            throw new RowException("the row holds half a surrogate pair (\\ud800 to \\udfff), which is no character; take it out");
        }

        return row.RootElement.ValueKind == JsonValueKind.Object && row.RootElement.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new RowException("a row to tokenize is {\"text\": \"…\"}");
    }

    private void Tokenize(string text)
    {
        var ids = tokenizer.Encode(text, addSpecialTokens).Ids;
        if (json)
        {
            results.WriteLine(new JsonObject { ["ids"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]), ["decoded"] = tokenizer.Decode(ids, skipSpecialTokens: false) }.ToJsonString());
            return;
        }

        foreach (var id in ids)
        {
            results.WriteLine($"{id,7} {VisibleText.Quoted(tokenizer.Decode([id], skipSpecialTokens: false))}");
        }

        results.WriteLine(Sentence.Count(ids.Length, "token"));
    }
}
