using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Templates;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Render;

/// <summary>Renders the conversations of a file, one by one; what the template refuses is an answer too.</summary>
internal sealed class RenderRun(RenderSource source, DateTime clock, bool json, TextWriter results)
{
    /// <exception cref="InvalidInputException">The template is none, or a line is no conversation.</exception>
    public void Run(string data)
    {
        TemplateException? refusal = null;
        foreach (var (input, line) in Read(data))
        {
            try
            {
                Render(source.Templates.Of(input.Tools)!, input, line);
            }
            catch (TemplateException error) when (json)
            {
                // A script that reads a line a conversation finds the reason in each of them; the command still ends as a wrong request.
                refusal = error;
                WriteError(error, line);
            }
        }

        if (refusal is not null)
        {
            throw refusal;
        }
    }

    /// <summary>All conversations, before the first is rendered: where a row is wrong there are no results. Kept, for a pipe is read only once.</summary>
    private List<(ChatInput Input, long Line)> Read(string data)
    {
        List<(ChatInput Input, long Line)> inputs = [];
        var faults = new RowFaults();
        using var lines = new JsonLines(data);
        faults.ReadAll(lines, data, () =>
        {
            // Half of a surrogate pair is replaced, as in rows that are trained on.
            using var row = JsonRecord.Parse(lines.Line, lines.Place, out _);
            inputs.Add((ChatInputReader.Read(row.RootElement.Clone(), source.SpecialTokens, clock), lines.Number));
        });
        faults.ThrowIfAny();
        return inputs;
    }

    private void Render(ModelTemplate template, ChatInput input, long line)
    {
        RenderedChat chat;
        try
        {
            chat = template.Template.Render(input);
        }
        catch (TemplateException error)
        {
            WriteError(error, line);
            return;
        }

        var encoding = source.Tokenizer?.Encode(chat.Text, addSpecialTokens: false);
        var (mask, lost) = encoding is null ? (null, "") : Mask(template, input, chat, encoding);
        if (json)
        {
            results.WriteLine(Line(chat, encoding, mask).ToJsonString());
        }
        else
        {
            Show(chat, encoding, mask, lost, line);
        }
    }

    /// <summary>What the assistant wrote, as training tells it; without a mask the reason why that is not known.</summary>
    private static (bool[]? Mask, string Lost) Mask(ModelTemplate template, ChatInput input, RenderedChat chat, TokenizerEncoding encoding)
    {
        if (chat.LostGenerations > 0)
        {
            return (null, "the place of a generation block is lost");
        }

        try
        {
            return (AssistantMask.Of(template.HasGenerationMarks ? chat : UnmarkedTurns.Find(template.Template, input, chat), encoding), "");
        }
        catch (Exception unknown) when (unknown is RowException or InvalidInputException)
        {
            return (null, $"what the assistant wrote is not known: {unknown.Message.TrimEnd('.')}");
        }
    }

    private static JsonObject Line(RenderedChat chat, TokenizerEncoding? encoding, bool[]? mask)
    {
        var line = new JsonObject { ["text"] = chat.Text };
        if (encoding is not null)
        {
            line["ids"] = new JsonArray([.. encoding.Ids.Select(id => (JsonNode)id)]);
            line["assistant_mask"] = mask is null ? null : new JsonArray([.. mask.Select(m => (JsonNode)(m ? 1 : 0))]);
        }

        return line;
    }

    private void WriteError(TemplateException error, long line) =>
        results.WriteLine(json ? new JsonObject { ["error"] = error.Reason }.ToJsonString() : $"== line {line}: refused: {error.Message}");

    /// <summary>The text; then its tokens, those of the assistant with a mark.</summary>
    private void Show(RenderedChat chat, TokenizerEncoding? encoding, bool[]? mask, string lost, long line)
    {
        var facts = encoding is null ? "" : mask is null ? $", {Sentence.Count(encoding.Ids.Length, "token")}; {lost}"
            : $", {Sentence.Count(encoding.Ids.Length, "token")}, {mask.Count(m => m)} of them written by the assistant (*)";
        results.WriteLine($"== line {line}: {Sentence.Count(chat.Text.Length, "character")}{facts}");
        results.WriteLine(VisibleText.Lines(chat.Text));
        for (var i = 0; encoding is not null && i < encoding.Ids.Length; i++)
        {
            var (start, end) = encoding.Utf16Offsets[i];
            results.WriteLine($"{(mask is not null && mask[i] ? '*' : ' ')} {encoding.Ids[i],7} {VisibleText.Quoted(chat.Text[start..end])}");
        }
    }
}
