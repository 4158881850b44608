using System.Collections.Concurrent;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Rows that bring their own ids and labels.</summary>
internal sealed class TokensWork(int vocabSize, ValueMap<string> fields, SampleRules rules) : IRecordWork
{
    private readonly FieldNames _names = FieldNames.Of(DataFormat.Tokens, fields);
    private readonly ConcurrentBag<TokensRow> _rows = [];

    public void Process(ReadOnlyMemory<byte> record, RecordPlace place, SampleBatch batch)
    {
        if (!_rows.TryTake(out var row))
        {
            row = new TokensRow(vocabSize, _names["input_ids"], _names["labels"]);
        }

        row.Parse(record, place);
        batch.Add(row.InputIds, row.Labels, place, rules, null);
        _rows.Add(row);
    }
}
