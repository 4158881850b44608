using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Reads a file of messages that make one conversation, or of whole conversations; a list or a record a line.</summary>
internal static class ConversationFile
{
    /// <summary>The conversations: one of bare messages, or as many as there are rows with messages.</summary>
    /// <exception cref="InvalidInputException">The file or a row is wrong; the sentence names both.</exception>
    public static IReadOnlyList<ChatRow> Read(string path)
    {
        using var reader = DataFile.Open(path, out _);
        List<JsonElement> messages = [];
        List<ChatRow> conversations = [];
        while (reader.Read())
        {
            try
            {
                using var document = JsonRecord.Parse(reader.Record, reader.Place, out _);
                var record = document.RootElement.Clone();
                if (record.ValueKind == JsonValueKind.Object && record.TryGetProperty("role", out _)) messages.Add(record);
                else conversations.Add(Whole(record, reader.Place));
                if (messages.Count > 0 && conversations.Count > 0) throw new RowException("bare messages and whole conversations stand in one file; give one or the other");
            }
            catch (RowException fault)
            {
                throw fault.At(path, reader.Place.Line);
            }
        }

        if (messages.Count > 0) conversations.Add(Bare(messages, path));
        return conversations.Count > 0 ? conversations : throw new InvalidInputException($"{path} has no messages.");
    }

    private static ChatRow Whole(JsonElement record, RecordPlace place)
    {
        var detected = FormatDetection.Of(record, new ValueMap<string>([]));
        if (detected.Format is not (DataFormat.Messages or DataFormat.Sharegpt))
            throw new RowException($"the row {detected.Reason}, and messages (role, content) or conversations of them are expected");
        return (ChatRow)new RowParser(detected.Format, detected.Fields, hasTemplate: true).Read(record, place, new RemarkTally());
    }

    private static ChatRow Bare(List<JsonElement> messages, string path)
    {
        var row = JsonSerializer.SerializeToElement(new Dictionary<string, IReadOnlyList<JsonElement>>(StringComparer.Ordinal) { ["messages"] = messages });
        try
        {
            return Whole(row, default);
        }
        catch (RowException fault)
        {
            throw new InvalidInputException($"{path}: {fault.Message}.", fault);
        }
    }
}
