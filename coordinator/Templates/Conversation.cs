using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates;

/// <summary>What transformers does to a conversation before and after the template sees it.</summary>
/// <remarks>
/// Keys whose value is null go, reasoning is copied to all its names, and a message to be continued carries a marker at which the text is cut.
/// </remarks>
internal sealed class Conversation
{
    /// <summary>transformers' own marker; its space at the end tells whether the template strips the content.</summary>
    private const string Marker = "CONTINUE_FINAL_MESSAGE_TAG ";

    private static readonly string[] ReasoningNames = ["reasoning_content", "thinking", "reasoning"];

    private readonly Budget _budget;
    private readonly string? _continued;

    private Conversation(ListValue messages, string? continued, Budget budget) => (Messages, _continued, _budget) = (messages, continued, budget);

    public ListValue Messages { get; }

    public static Conversation Prepare(ChatInput input, JsonValues values)
    {
        if (values.From(input.Messages) is not ListValue { Items: var given })
        {
            throw new TemplateException(TemplateErrorKind.Type, "messages must be a list of messages.");
        }

        if (given.Count == 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, "Cannot apply chat template to an empty conversation. Provide at least one message.");
        }

        if (input.ContinueFinalMessage && input.AddGenerationPrompt)
        {
            throw new TemplateException(
                TemplateErrorKind.Value,
                "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model to continue the final message, "
                + "and add_generation_prompt when you want to add a header that will prompt it to start a new assistant message instead.");
        }

        var messages = given.Select(message => message is DictValue dict ? Clean(dict, values.Budget) : message).ToList();
        var continued = input.ContinueFinalMessage ? MarkLast(messages, values.Budget) : null;
        return new Conversation(new ListValue(messages), continued, values.Budget);
    }

    /// <summary>The finished text; cut behind the continued message where one was asked for.</summary>
    public RenderedChat Finish(StrValue text, int blocks)
    {
        var rendered = GenerationSpans.Place(text, blocks);
        if (_continued is null)
        {
            return rendered;
        }

        var cut = rendered.Text.LastIndexOf(Marker.TrimEnd(), StringComparison.Ordinal);
        if (cut < 0 || !rendered.Text.Contains(_continued, StringComparison.Ordinal))
        {
            throw new TemplateException(
                TemplateErrorKind.Value,
                "continue_final_message is set but the final message does not appear in the chat after applying the chat template! This can happen if the chat template "
                + "deletes portions of the final message. Please verify the chat template and final message in your chat to ensure they are compatible."
                + $"Final message to continue: {_continued}\nRendered chat:\n{rendered.Text}");
        }

        var kept = rendered.Text[..cut];
        if (string.CompareOrdinal(rendered.Text, cut, Marker, 0, Marker.Length) != 0)
        {
            kept = Stripping.Strip(kept, null, left: false, right: true);
        }

        _budget.Allocate(kept.Length);
        var spans = rendered.Generations.Where(s => s.Start < kept.Length).Select(s => (s.Start, Math.Min(s.End, kept.Length))).ToList();
        return new RenderedChat(kept, spans, rendered.LostGenerations);
    }

    private static DictValue Clean(DictValue message, Budget budget)
    {
        var clean = new DictValue(budget);
        foreach (var (key, value) in message.Entries.Where(e => e.Value is not NoneValue))
        {
            clean.Set(key, value);
        }

        if (ReasoningNames.Select(name => clean.Get(new StrValue(name))).FirstOrDefault(value => value is not null) is { } reasoning)
        {
            foreach (var name in ReasoningNames.Where(name => clean.Get(new StrValue(name)) is null))
            {
                clean.Set(name, reasoning);
            }
        }

        return clean;
    }

    /// <summary>Appends the marker to the last message's text; returns that text without white space around it.</summary>
    private static string MarkLast(List<Value> messages, Budget budget)
    {
        if (messages[^1] is not DictValue last || last.Get(new StrValue("content")) is not { } content)
        {
            throw new TemplateException(TemplateErrorKind.Lookup, "continue_final_message is set but the final message has no content.");
        }

        var changed = new DictValue(budget);
        foreach (var (key, value) in last.Entries)
        {
            changed.Set(key, value);
        }

        string text;
        if (content is ListValue parts)
        {
            var at = parts.Items.ToList().FindLastIndex(part => part is DictValue dict && dict.Get(new StrValue("text")) is StrValue);
            if (at < 0)
            {
                throw new TemplateException(TemplateErrorKind.Value, "continue_final_message is set but we could not find any text to continue in the final message!");
            }

            var part = new DictValue(budget);
            foreach (var (key, value) in ((DictValue)parts.Items[at]).Entries)
            {
                part.Set(key, value);
            }

            text = ((StrValue)part.Get(new StrValue("text"))!).Text;
            part.Set("text", new StrValue(text + Marker));
            changed.Set("content", new ListValue([.. parts.Items.Take(at), part, .. parts.Items.Skip(at + 1)]));
        }
        else
        {
            text = content is StrValue known ? known.Text : throw new TemplateException(TemplateErrorKind.Type, $"unsupported operand type(s) for +: '{content.TypeName}' and 'str'");
            changed.Set("content", new StrValue(text + Marker));
        }

        messages[^1] = changed;
        return Stripping.Strip(text, null, left: true, right: true);
    }
}
