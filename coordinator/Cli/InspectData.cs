using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Facts of tokenized datasets.</summary>
internal static class InspectData
{
    public static JsonObject File(string path)
    {
        var row = new TokensRow(int.MaxValue, formatIsAuto: true);
        long samples = 0, tokens = 0, labels = 0, unlabelled = 0;
        int longest = 0, shortest = int.MaxValue, largest = 0;
        using var lines = new JsonLines(path);
        while (lines.Read())
        {
            row.Parse(lines.Line, path, lines.Number);
            int length = row.InputIds.Length;
            int labelled = TokensRow.CountLabels(row.Labels);
            (samples, tokens, labels) = (samples + 1, tokens + length, labels + labelled);
            unlabelled += labelled == 0 ? 1 : 0;
            (longest, shortest) = (Math.Max(longest, length), Math.Min(shortest, length));
            foreach (int id in row.InputIds)
            {
                largest = Math.Max(largest, id);
            }
        }

        if (samples == 0)
        {
            throw new InvalidInputException($"{path} holds no sample.");
        }

        return new JsonObject
        {
            ["kind"] = "dataset",
            ["path"] = path,
            ["format"] = "tokens",
            ["samples"] = samples,
            ["tokens"] = tokens,
            ["label_tokens"] = labels,
            ["samples_without_label"] = unlabelled,
            ["shortest_sample"] = shortest,
            ["longest_sample"] = longest,
            ["largest_token_id"] = largest,
        };
    }

    public static JsonObject Folder(string path) => new()
    {
        ["kind"] = "dataset",
        ["path"] = path,
        ["files"] = new JsonObject(InspectCommand.Files(path, "*.jsonl").Select(file =>
        {
            JsonObject facts = File(file);
            facts.Remove("kind");
            facts.Remove("path");
            return KeyValuePair.Create(Path.GetFileName(file), (JsonNode?)facts);
        })),
    };
}
