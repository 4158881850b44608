using System.Text.Json;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads rows of one format.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
internal sealed class RowParser(DataFormat format, ValueMap<string> fields, bool hasTemplate)
{
    private readonly FieldNames _names = FieldNames.Of(format, fields);

    public DataFormat Format => format;

    public FieldNames Names => _names;

    /// <summary>Reads a parsed record.</summary>
    /// <exception cref="RowException">It is no row of the format.</exception>
    public DataRow Read(JsonElement record, RecordPlace place, RemarkTally remarks)
    {
        var row = RowObject.Of(record, _names);
        var parsed = Read(row);
        LookAtKeys(record, parsed, place, remarks);
        LookAtAnswer(parsed, place, remarks);
        return parsed;
    }

    private DataRow Read(RowObject row) => format switch
    {
        DataFormat.Messages => ChatRows.OfMessages(row, _names),
        DataFormat.Sharegpt => ChatRows.OfSharegpt(row, _names),
        DataFormat.PromptCompletion when row.Find("prompt")?.ValueKind == JsonValueKind.Array => ChatRows.OfPromptCompletion(row, _names),
        DataFormat.PromptCompletion => new CompletionRow(row.Text("prompt"), row.Text("completion")),
        DataFormat.Alpaca => Alpaca(row),
        DataFormat.Text => new TextRow(row.Text("text")),
        _ => throw new InvalidOperationException($"Rows of the format {format} are not read here."),
    };

    private DataRow Alpaca(RowObject row)
    {
        var (instruction, input, output) = (row.Text("instruction"), row.OptionalText("input") ?? "", row.Text("output"));
        return hasTemplate
            ? ChatRows.Exchange(row.OptionalText("system"), input.Length > 0 ? $"{instruction}\n\n{input}" : instruction, output)
            : AlpacaText.Of(instruction, input, output);
    }

    private void LookAtKeys(JsonElement record, DataRow parsed, RecordPlace place, RemarkTally remarks)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in record.EnumerateObject())
        {
            if (!seen.Add(member.Name))
            {
                remarks.Add(RemarkCode.DuplicateKey, place, $"the field {Sentence.Quote(member.Name)} stands twice; its last value is used");
            }
            else if (!IsUsed(member, parsed))
            {
                remarks.Add(RemarkCode.UnusedField, place, $"the field {Sentence.Quote(member.Name)} is not used");
            }
        }
    }

    private bool IsUsed(JsonProperty member, DataRow parsed) => _names.All.Any(field => _names[field] == member.Name && (!IsOfChats(field, parsed) || IsEmpty(member.Value)));

    /// <summary>Whether a field says something only where the row becomes a chat, and this row has become a text and another.</summary>
    private static bool IsOfChats(string field, DataRow parsed) => parsed is CompletionRow && field is ("system" or "tools" or "documents" or "chat_template_kwargs" or "role" or "content");

    // Datasets in columns have every field in every row.
    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => value.GetString() is "" or "null",
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private static void LookAtAnswer(DataRow row, RecordPlace place, RemarkTally remarks)
    {
        switch (row)
        {
            case TextRow { Text: "" } or CompletionRow { Prompt: "", Completion: "" }:
                remarks.Add(RemarkCode.EmptyRow, place, "the row has no text at all");
                break;
            case CompletionRow { Completion: "" }:
                remarks.Add(RemarkCode.EmptyAnswer, place, "the completion is empty, so only the end token is learned");
                break;
            case ChatRow chat:
                for (var i = 0; i < chat.Roles.Count; i++)
                {
                    if (chat.Roles[i] == ChatRoles.Assistant && chat.ContentOf(i) == "" && !chat.Each[i].TryGetProperty("tool_calls", out _))
                    {
                        remarks.Add(RemarkCode.EmptyAnswer, place, $"message {i + 1}, an assistant turn, is empty, so only the end token is learned");
                    }
                }

                break;
        }
    }
}
