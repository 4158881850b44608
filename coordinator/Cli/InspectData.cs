using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Facts of datasets: of token rows their numbers, of texts what they are made of. No tokenizer is asked.</summary>
internal static class InspectData
{
    public static JsonObject File(string path)
    {
        using var records = DataFile.Open(path, out _);
        if (!records.Read())
        {
            throw new InvalidInputException($"{path} holds no sample.");
        }

        try
        {
            using var first = JsonRecord.Parse(records.Record, records.Place, out _);
            var detected = FormatDetection.Of(first.RootElement, ValueMap<string>.Empty);
            var facts = new JsonObject { ["kind"] = "dataset", ["path"] = path, ["format"] = FieldNames.NameOf(detected.Format) };
            var numbers = detected.Format == DataFormat.Tokens ? Tokens(records) : Texts(records, detected);
            foreach (var (name, value) in numbers)
            {
                facts[name] = value?.DeepClone();
            }

            return facts;
        }
        catch (RowException fault)
        {
            throw fault.At(path, records.Place.Line);
        }
    }

    private static JsonObject Tokens(RecordReader records)
    {
        var row = new TokensRow(int.MaxValue);
        long samples = 0, tokens = 0, labels = 0, unlabelled = 0;
        int longest = 0, shortest = int.MaxValue, largest = 0;
        do
        {
            row.Parse(records.Record, records.Place);
            var length = row.InputIds.Length;
            var labelled = TokensRow.CountLabels(row.Labels);
            (samples, tokens, labels) = (samples + 1, tokens + length, labels + labelled);
            unlabelled += labelled == 0 ? 1 : 0;
            (longest, shortest) = (Math.Max(longest, length), Math.Min(shortest, length));
            foreach (var id in row.InputIds)
            {
                largest = Math.Max(largest, id);
            }
        }
        while (records.Read());

        return new JsonObject
        {
            ["samples"] = samples,
            ["tokens"] = tokens,
            ["label_tokens"] = labels,
            ["samples_without_label"] = unlabelled,
            ["shortest_sample"] = shortest,
            ["longest_sample"] = longest,
            ["largest_token_id"] = largest,
        };
    }

    private static JsonObject Texts(RecordReader records, DetectedFormat detected)
    {
        var parser = new RowParser(detected.Format, detected.Fields, hasTemplate: true);
        var remarks = new RemarkTally();
        long rows = 0, messages = 0, turns = 0;
        do
        {
            using var document = JsonRecord.Parse(records.Record, records.Place, out _);
            rows++;
            if (parser.Read(document.RootElement, records.Place, remarks) is ChatRow chat)
            {
                messages += chat.Roles.Count;
                turns += chat.Roles.Count(role => role == ChatRoles.Assistant);
            }
        }
        while (records.Read());

        return messages > 0
            ? new JsonObject { ["samples"] = rows, ["messages"] = messages, ["assistant_turns"] = turns }
            : new JsonObject { ["samples"] = rows };
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
