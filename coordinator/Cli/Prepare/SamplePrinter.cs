using System.Buffers;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>Prints samples of the training split, made once more from their rows, for shards do not keep texts.</summary>
internal sealed class SamplePrinter(JobSpec job, PreparedDataset data, int? vocabSize, PrepareOptions options, CommandOutput output)
{
    private readonly SampleView _view = new(output);
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly HashSet<int>? _held = HeldOut(job, data);
    private readonly Tokenizer? _tokenizer = data.Text?.Tokenizer ?? TryOpen(job.Model);
    private int _row;
    private int _index;

    private int Limit => options.Show ?? int.MaxValue;

    public async Task PrintAsync(CancellationToken cancellationToken)
    {
        var rules = new SampleRules(job.Data.MaxLength, job.Data.Truncation, KeepUnlabelled: false);
        await new SplitReader(job.Data, () => data.Text!, vocabSize ?? int.MaxValue, rules, keepTexts: true).ReadAsync(
            job.Data.Train,
            batch =>
            {
                batch.ForEach((i, inputIds, labels) => Take(batch.Texts.Count > 0 ? batch.Texts[i] : null, inputIds, labels));
                return _index < Limit;
            },
            progress: null,
            cancellationToken);
    }

    private void Take(string? text, ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels)
    {
        if (_index >= Limit || _held?.Contains(_row++) == true) return;
        text ??= _tokenizer?.Decode(inputIds, skipSpecialTokens: false) ?? "";
        if (options.Json) WriteJson(text, inputIds, labels);
        else _view.Write(_index, text, inputIds, labels, _tokenizer);
        _index++;
    }

    private void WriteJson(string text, ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels)
    {
        _line.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_line))
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", _index);
            writer.WriteString("text", text);
            WriteList(writer, "input_ids", inputIds);
            WriteList(writer, "labels", labels);
            writer.WriteEndObject();
        }

        output.Results.WriteLine(Encoding.UTF8.GetString(_line.WrittenSpan));
    }

    private static void WriteList(Utf8JsonWriter writer, string name, ReadOnlySpan<int> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }

    private static HashSet<int>? HeldOut(JobSpec job, PreparedDataset data) => HoldOut.Of(job) is { } holdOut && data.Eval is { } eval
        ? [.. holdOut.Divide(data.Train.Lengths.Length + eval.Lengths.Length)[1]]
        : null;

    // Token rows need no tokenizer; where there is one, their text can be shown.
    private static Tokenizer? TryOpen(string model)
    {
        try
        {
            return Tokenizer.Open(model);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }
}
