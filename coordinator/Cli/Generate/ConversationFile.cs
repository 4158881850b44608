using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Reads a file of messages that make one conversation, or of whole conversations; a list or a record a line.</summary>
internal static class ConversationFile
{
    /// <summary>What is made of the conversations: of one of bare messages, or of as many as there are rows with messages.</summary>
    /// <param name="path">The file.</param>
    /// <param name="make">Makes it; what it throws as a <see cref="RowException"/> is wrong with the conversation's row.</param>
    /// <exception cref="InvalidInputException">The file or rows are wrong; the sentences name both.</exception>
    public static IReadOnlyList<T> Read<T>(string path, Func<ChatRow, T> make)
    {
        using var reader = DataFile.Open(path, out _);
        List<JsonElement> messages = [];
        List<T> made = [];
        var areMixed = false;
        var faults = new RowFaults();
        faults.ReadAll(reader, path, () =>
        {
            using var document = JsonRecord.Parse(reader.Record, reader.Place, out _);
            var record = document.RootElement.Clone();
            if (record.ValueKind == JsonValueKind.Object && record.TryGetProperty("role", out _)) messages.Add(record);
            else made.Add(make(Whole(record, reader.Place)));
            // Said once: every later row of the one kind or the other would be the same mistake.
            if (areMixed || messages.Count == 0 || made.Count == 0) return;
            areMixed = true;
            throw new RowException("bare messages and whole conversations stand in one file; give one or the other");
        });
        faults.ThrowIfAny();
        if (messages.Count > 0) made.Add(Bare(messages, path, make));
        return made.Count > 0 ? made : throw new InvalidInputException($"{path} has no messages.");
    }

    private static ChatRow Whole(JsonElement record, RecordPlace place)
    {
        var detected = FormatDetection.Of(record, new ValueMap<string>([]));
        if (detected.Format is not (DataFormat.Messages or DataFormat.Sharegpt))
            throw new RowException($"the row {detected.Reason}, and messages (role, content) or conversations of them are expected");
        return (ChatRow)new RowParser(detected.Format, detected.Fields, hasTemplate: true).Read(record, place, new RemarkTally());
    }

    private static T Bare<T>(List<JsonElement> messages, string path, Func<ChatRow, T> make)
    {
        var row = JsonSerializer.SerializeToElement(new Dictionary<string, IReadOnlyList<JsonElement>>(StringComparer.Ordinal) { ["messages"] = messages });
        try
        {
            return make(Whole(row, default));
        }
        catch (RowException fault)
        {
            throw new InvalidInputException($"{path}: {fault.Message}.", fault);
        }
    }
}
