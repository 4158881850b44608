using System.Text.Json;
using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary>Reads rows of any format as questions with expected answers: of a chat its last assistant turn, of a pair its completion, of tokens the last run of labels.</summary>
internal sealed class EvaluationData(PromptEncoder text, DataSpec data, ModelSpec model, GenerationSettings settings)
{
    private RowParser? _parser;

    /// <exception cref="InvalidInputException">The file or rows are wrong; the sentences name both.</exception>
    public IReadOnlyList<EvaluationSample> Read(string path)
    {
        text.RequireTokenizer();
        using var reader = DataFile.Open(path, out _);
        List<EvaluationSample> samples = [];
        var faults = new RowFaults();
        faults.ReadAll(reader, path, () => samples.Add(Read(reader)));
        faults.ThrowIfAny();
        return samples.Count > 0 ? samples : throw new InvalidInputException($"{path} has no rows.");
    }

    private EvaluationSample Read(RecordReader reader)
    {
        using var document = JsonRecord.Parse(reader.Record, reader.Place, out _);
        _parser ??= ParserFor(document.RootElement);
        var row = _parser.Format == DataFormat.Tokens ? null : _parser.Read(document.RootElement, reader.Place, new RemarkTally());
        // A model without a template is no row's fault.
        if (row is ChatRow) text.RequireTemplate();
        try
        {
            var sample = row is null ? OfTokens(reader) : OfText(row);
            PromptRoom.Fit(sample.Prompt, settings, model);
            return sample;
        }
        catch (InvalidInputException refused)
        {
            throw new RowException(refused.Message.TrimEnd('.'), inner: refused);
        }
    }

    private EvaluationSample OfText(DataRow row) => row switch
    {
        ChatRow chat => OfChat(chat),
        CompletionRow pair => new EvaluationSample(text.EncodeText(pair.Prompt), text.ShownAnswer(pair.Completion).Trim()),
        _ => throw new RowException("a row of plain text has no question and no answer; evaluate takes chats, prompts with completions, and tokens"),
    };

    private RowParser ParserFor(JsonElement first)
    {
        var (format, fields) = data.Format == DataFormat.Auto && FormatDetection.Of(first, data.Fields) is var detected ? (detected.Format, detected.Fields) : (data.Format, data.Fields);
        return new RowParser(format, fields, text.HasTemplate);
    }

    private EvaluationSample OfChat(ChatRow chat)
    {
        var turn = chat.Roles.Count - 1;
        while (turn >= 0 && chat.Roles[turn] != ChatRoles.Assistant) turn--;
        if (turn < 0) throw new RowException("no message is the assistant's, so there is no expected answer");
        if (turn == 0) throw new RowException("there is no message before the assistant's");
        var expected = chat.ContentOf(turn) ?? throw new RowException($"message {turn + 1}, the last assistant turn, has no text to compare with");
        return new EvaluationSample(text.EncodeQuestion(chat, turn), text.ShownAnswer(expected).Trim());
    }

    private EvaluationSample OfTokens(RecordReader reader)
    {
        var row = new TokensRow((int)model.VocabSize, _parser!.Names["input_ids"], _parser.Names["labels"]);
        row.Parse(reader.Record, reader.Place);
        var end = row.Labels.LastIndexOfAnyExcept(TokensRow.NoLoss) + 1;
        var start = row.Labels[..end].LastIndexOf(TokensRow.NoLoss) + 1;
        if (end == 0 || start == 0) throw new RowException(end == 0 ? "the row has no label, so there is no expected answer" : "every token is a label, so there is no question");
        return new EvaluationSample(row.InputIds[..start].ToArray(), text.Tokenizer!.Decode(row.Labels[start..end], skipSpecialTokens: true).Trim());
    }
}
