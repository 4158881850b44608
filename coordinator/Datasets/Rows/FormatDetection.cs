using System.Text.Json;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Tells a file's format from its first row.</summary>
internal static class FormatDetection
{
    /// <summary>What a row must have to be of a format, in the order in which formats are tried.</summary>
    private static readonly (DataFormat Format, string[] Fields)[] Marks =
    [
        (DataFormat.Tokens, ["input_ids"]),
        (DataFormat.Messages, ["messages"]),
        (DataFormat.Sharegpt, ["conversations"]),
        (DataFormat.PromptCompletion, ["prompt", "completion"]),
        (DataFormat.Alpaca, ["instruction", "output"]),
        (DataFormat.Text, ["text"]),
    ];

    /// <summary>The format of a row.</summary>
    /// <exception cref="RowException">The row is of no format, or of one that is not built.</exception>
    public static DetectedFormat Of(JsonElement row, ValueMap<string> fields)
    {
        if (row.ValueKind != JsonValueKind.Object)
        {
            throw new RowException($"the row is {RowObject.Describe(row)} where an object is expected");
        }

        string NameOf(string field) => fields.Where(pair => pair.Key == field).Select(pair => pair.Value).FirstOrDefault(field);
        foreach (var (format, marks) in Marks)
        {
            if (marks.All(mark => row.TryGetProperty(NameOf(mark), out _)))
            {
                var reason = $"has {string.Join(" and ", marks.Select(mark => Sentence.Quote(NameOf(mark))))}";
                return format == DataFormat.Sharegpt && HasRoles(row, NameOf("conversations"))
                    ? new DetectedFormat(DataFormat.Messages, $"{reason} with roles", Renamed(fields, NameOf("conversations")))
                    : new DetectedFormat(format, reason, fields);
            }
        }

        if (row.TryGetProperty("chosen", out _) && row.TryGetProperty("rejected", out _))
        {
            throw new RowException("the row has 'chosen' and 'rejected': data of the format preference is not built yet");
        }

        var found = string.Join(", ", row.EnumerateObject().Take(12).Select(member => Sentence.Quote(member.Name)));
        throw new RowException(
            $"data.format auto cannot tell the format from the row's fields ({(found.Length > 0 ? found : "none")}); set data.format, and name other fields in data.fields, e.g. {{prompt: question, completion: answer}}");
    }

    /// <summary>Whether a file can be read without a tokenizer: its first row brings token ids, or it will be refused anyway.</summary>
    public static bool NeedsNoTokenizer(string path, ValueMap<string> fields)
    {
        using var reader = DataFile.Open(path, out _);
        try
        {
            if (!reader.Read())
            {
                return true;
            }

            using var document = JsonRecord.Parse(reader.Record, reader.Place, out _);
            return Of(document.RootElement, fields).Format == DataFormat.Tokens;
        }
        catch (RowException)
        {
            return true;
        }
    }

    private static ValueMap<string> Renamed(ValueMap<string> fields, string messages) =>
        new([.. fields.Where(pair => pair.Key != "conversations"), KeyValuePair.Create("messages", messages)]);

    // Many files have messages with role and content under the name that sharegpt uses.
    private static bool HasRoles(JsonElement row, string field)
        => row.GetProperty(field) is { ValueKind: JsonValueKind.Array } turns && turns.GetArrayLength() > 0
            && turns[0].ValueKind == JsonValueKind.Object && turns[0].TryGetProperty("role", out _);
}
