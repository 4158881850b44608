using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Facts of datasets: of token rows their numbers, of texts what they are made of. No tokenizer is asked.</summary>
internal static class InspectData
{
    /// <exception cref="InvalidInputException">The file or rows of it are wrong; the sentences name both.</exception>
    public static JsonObject File(string path)
    {
        var faults = new RowFaults();
        var numbers = Numbers(path, faults);
        faults.ThrowIfAny();
        var facts = new JsonObject { ["kind"] = "dataset", ["path"] = path };
        foreach (var (name, value) in numbers)
        {
            facts[name] = value?.DeepClone();
        }

        return facts;
    }

    /// <exception cref="InvalidInputException">A file or rows are wrong; the sentences name both.</exception>
    public static JsonObject Folder(string path)
    {
        var faults = new RowFaults();
        var files = new JsonObject(InspectCommand.Files(path, "*.jsonl").Select(file => KeyValuePair.Create(Path.GetFileName(file), (JsonNode?)Numbers(file, faults))));
        faults.ThrowIfAny();
        return new JsonObject { ["kind"] = "dataset", ["path"] = path, ["files"] = files };
    }

    /// <summary>A file's format and numbers; they mean nothing where rows are wrong.</summary>
    private static JsonObject Numbers(string path, RowFaults faults)
    {
        using var records = DataFile.Open(path, out _);
        IRowNumbers? numbers = null;
        var isEmpty = true;
        faults.ReadAll(records, path, () =>
        {
            isEmpty = false;
            numbers ??= NumbersOf(records);
            numbers.Add(records);
        });
        return isEmpty ? throw new InvalidInputException($"{path} holds no sample.") : numbers?.ToJson() ?? [];
    }

    private static IRowNumbers NumbersOf(RecordReader records)
    {
        using var first = JsonRecord.Parse(records.Record, records.Place, out _);
        var detected = FormatDetection.Of(first.RootElement, ValueMap<string>.Empty);
        return detected.Format == DataFormat.Tokens ? new TokenNumbers() : new TextNumbers(detected);
    }

    /// <summary>Numbers of rows that are counted one after the other.</summary>
    private interface IRowNumbers
    {
        /// <exception cref="RowException">The row is wrong.</exception>
        void Add(RecordReader row);

        JsonObject ToJson();
    }

    private sealed class TokenNumbers : IRowNumbers
    {
        private readonly TokensRow _row = new(int.MaxValue);
        private long _samples, _tokens, _labels, _unlabelled;
        private int _longest, _shortest = int.MaxValue, _largest;

        public void Add(RecordReader row)
        {
            _row.Parse(row.Record, row.Place);
            var length = _row.InputIds.Length;
            var labelled = TokensRow.CountLabels(_row.Labels);
            (_samples, _tokens, _labels) = (_samples + 1, _tokens + length, _labels + labelled);
            _unlabelled += labelled == 0 ? 1 : 0;
            (_longest, _shortest) = (Math.Max(_longest, length), Math.Min(_shortest, length));
            foreach (var id in _row.InputIds)
            {
                _largest = Math.Max(_largest, id);
            }
        }

        public JsonObject ToJson() => new()
        {
            ["format"] = FieldNames.NameOf(DataFormat.Tokens),
            ["samples"] = _samples,
            ["tokens"] = _tokens,
            ["label_tokens"] = _labels,
            ["samples_without_label"] = _unlabelled,
            ["shortest_sample"] = _shortest,
            ["longest_sample"] = _longest,
            ["largest_token_id"] = _largest,
        };
    }

    private sealed class TextNumbers(DetectedFormat detected) : IRowNumbers
    {
        private readonly RowParser _parser = new(detected.Format, detected.Fields, hasTemplate: true);
        private readonly RemarkTally _remarks = new();
        private long _rows, _messages, _turns;

        public void Add(RecordReader row)
        {
            using var document = JsonRecord.Parse(row.Record, row.Place, out _);
            _rows++;
            if (_parser.Read(document.RootElement, row.Place, _remarks) is ChatRow chat)
            {
                _messages += chat.Roles.Count;
                _turns += chat.Roles.Count(role => role == ChatRoles.Assistant);
            }
        }

        public JsonObject ToJson()
        {
            var facts = new JsonObject { ["format"] = FieldNames.NameOf(detected.Format), ["samples"] = _rows };
            if (_messages > 0)
            {
                facts["messages"] = _messages;
                facts["assistant_turns"] = _turns;
            }

            return facts;
        }
    }
}
