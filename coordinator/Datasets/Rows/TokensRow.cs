using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>One row of <c>format: tokens</c>: token ids and a label for each, -100 where there is no loss.</summary>
/// <remarks>Used again for every row of a file, so it allocates only when a row is longer than all before.</remarks>
internal sealed class TokensRow(int vocabSize, string idsField = "input_ids", string labelsField = "labels")
{
    /// <summary>The label of a token without loss.</summary>
    public const int NoLoss = -100;

    private readonly List<int> _inputIds = [];
    private readonly List<int> _labels = [];

    public ReadOnlySpan<int> InputIds => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_inputIds);

    public ReadOnlySpan<int> Labels => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_labels);

    /// <summary>Labels that carry loss: all but -100 and the first, which nothing predicts.</summary>
    public static int CountLabels(ReadOnlySpan<int> labels) => labels.Length < 2 ? 0 : labels.Length - 1 - labels[1..].Count(NoLoss);

    /// <summary>Reads a record.</summary>
    /// <exception cref="RowException">It is not a row of this format.</exception>
    public void Parse(ReadOnlyMemory<byte> record, RecordPlace place)
    {
        try
        {
            ParseObject(record.Span);
        }
        catch (JsonException exception)
        {
            throw JsonFault.Of(record.Span, place.Column, exception);
        }
        catch (InvalidOperationException exception)
        {
            // Utf8JsonReader's answer to a name with broken UTF-16 escapes.
            throw new RowException("it is not valid JSON: a name is not valid Unicode", inner: exception);
        }
    }

    private void ParseObject(ReadOnlySpan<byte> line)
    {
        _inputIds.Clear();
        _labels.Clear();
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 64 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new RowException("a row must be an object {\"input_ids\": [...], \"labels\": [...]}");
        }

        var (hasInputIds, hasLabels) = (false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(idsField))
            {
                ReadArray(ref reader, _inputIds, idsField, ref hasInputIds, allowNoLoss: false);
            }
            else if (reader.ValueTextEquals(labelsField))
            {
                ReadArray(ref reader, _labels, labelsField, ref hasLabels, allowNoLoss: true);
            }
            else
            {
                reader.Skip();
            }
        }

        // Reads on, so that anything after the object is an error.
        while (reader.Read())
        {
        }

        Check(hasInputIds, hasLabels);
    }

    private void Check(bool hasInputIds, bool hasLabels)
    {
        if (!hasInputIds || !hasLabels)
        {
            throw new RowException($"the row has no '{(hasInputIds ? labelsField : idsField)}'");
        }

        if (_inputIds.Count != _labels.Count)
        {
            throw new RowException($"{idsField} has {_inputIds.Count} items and {labelsField} has {_labels.Count}; they must be equally many");
        }

        if (_inputIds.Count == 0)
        {
            throw new RowException("the sample is empty");
        }
    }

    private void ReadArray(ref Utf8JsonReader reader, List<int> target, string name, ref bool seen, bool allowNoLoss)
    {
        if (seen)
        {
            throw new RowException($"'{name}' stands twice in the row");
        }

        seen = true;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new RowException($"'{name}' must be a list of token ids");
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var id))
            {
                throw new RowException($"item {target.Count} of '{name}' is not a token id");
            }

            if ((uint)id >= (uint)vocabSize && !(allowNoLoss && id == NoLoss))
            {
                throw new RowException(allowNoLoss
                    ? $"item {target.Count} of '{name}' is {id}, which is neither -100 nor an id of the vocabulary (0 to {vocabSize - 1})"
                    : $"item {target.Count} of '{name}' is {id}, outside the vocabulary (0 to {vocabSize - 1})");
            }

            target.Add(id);
        }
    }
}
