using System.Text.Json;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Templates;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Turns rows into tokens and labels, as transformers and TRL do.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
internal sealed class SampleMaker(ModelText model, LossOn lossOn)
{
    /// <summary>What carries loss in rows of a format.</summary>
    /// <exception cref="InvalidInputException">The format has no such part.</exception>
    public static LossOn Resolve(DataFormat format, LossOn wanted)
    {
        var natural = format switch
        {
            DataFormat.Messages or DataFormat.Sharegpt => LossOn.Assistant,
            DataFormat.Text or DataFormat.Tokens => LossOn.All,
            _ => LossOn.Completion,
        };
        if (wanted == LossOn.Auto)
        {
            return natural;
        }

        return format switch
        {
            DataFormat.Tokens => throw new InvalidInputException("data.loss_on is given, but token rows carry their own labels; leave it at auto."),
            DataFormat.Text when wanted != LossOn.All => throw new InvalidInputException(
                $"data.loss_on is {wanted.ToString().ToLowerInvariant()}, but rows of plain text are learned whole; leave it at auto or all."),
            _ => wanted,
        };
    }

    /// <exception cref="RowException">The row cannot be rendered, or has no part that data.loss_on names.</exception>
    public Sample Make(DataRow row) => row switch
    {
        TextRow text => Whole(WithEnd(text.Text)),
        CompletionRow pair => Completion(pair),
        ChatRow chat => Chat(chat),
        _ => throw new InvalidOperationException($"A {row.GetType().Name} is no row."),
    };

    private Sample Whole(string text)
    {
        var ids = model.EncodeText(text);
        return new Sample(text, ids, [.. ids]);
    }

    private Sample Completion(CompletionRow row)
    {
        var text = row.Prompt + WithEnd(row.Completion);
        if (lossOn == LossOn.All)
        {
            return Whole(text);
        }

        if (lossOn == LossOn.Assistant)
        {
            throw new RowException("data.loss_on is assistant, but the row's prompt and completion are texts, which have no assistant turn; set it to completion or all");
        }

        var ids = model.EncodeText(text);
        return new Sample(text, ids, AfterCommon(model.EncodeText(row.Prompt), ids));
    }

    private Sample Chat(ChatRow chat)
    {
        var renderer = new RowRenderer(model, chat);
        var rendered = Render(renderer, chat.Messages, generationPrompt: false);
        var tokens = model.EncodeChat(rendered.Text);
        return new Sample(rendered.Text, tokens.Ids, lossOn switch
        {
            LossOn.All => [.. tokens.Ids],
            LossOn.Completion => CompletionLabels(chat, renderer, tokens.Ids),
            _ => AssistantLabels(chat, renderer, rendered, tokens),
        });
    }

    private int[] CompletionLabels(ChatRow chat, RowRenderer renderer, int[] ids)
    {
        if (chat.PromptMessages == chat.Roles.Count)
        {
            return NoLabels(ids.Length);
        }

        if (chat.PromptMessages == 0)
        {
            throw new RowException("there is no message before the completion");
        }

        var list = new MessageListBuilder();
        for (var i = 0; i < chat.PromptMessages; i++)
        {
            list.Add(chat.Roles[i], chat.Each[i]);
        }

        return AfterCommon(model.EncodeChat(Render(renderer, list.Build(), generationPrompt: true).Text).Ids, ids);
    }

    private int[] AssistantLabels(ChatRow chat, RowRenderer renderer, RenderedChat rendered, TokenizerEncoding tokens)
    {
        var marked = model.TemplateOf(chat).HasGenerationMarks
            ? rendered
            : rendered with { Generations = new AssistantSpans(chat, (messages, prompt) => renderer.Render(messages, prompt).Text, rendered.Text).Find() };
        if (marked.LostGenerations > 0)
        {
            throw new RowException("the chat template changes the text of a {% generation %} block after it was made, so its place is lost; take the block out of the macro or filter");
        }

        var mask = AssistantMask.Of(marked, tokens);
        var labels = NoLabels(tokens.Ids.Length);
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = mask[i] ? tokens.Ids[i] : TokensRow.NoLoss;
        }

        return labels;
    }

    private static RenderedChat Render(RowRenderer renderer, JsonElement messages, bool generationPrompt)
    {
        try
        {
            return renderer.Render(messages, generationPrompt);
        }
        catch (TemplateException refusal)
        {
            throw new RowException($"the chat template refuses the conversation: {refusal.Message.TrimEnd('.')}", inner: refusal);
        }
    }

    // TRL appends the end token as text, unless the text has it already.
    private string WithEnd(string text)
        => model.Config.EosToken is { Length: > 0 } end && !text.EndsWith(end, StringComparison.Ordinal) ? text + end : text;

    /// <summary>Labels from the first token on that the prompt alone does not have: a token that merges across the border belongs to the completion.</summary>
    private static int[] AfterCommon(int[] prompt, int[] ids)
    {
        var labels = NoLabels(ids.Length);
        var common = 0;
        while (common < prompt.Length && common < ids.Length && prompt[common] == ids[common])
        {
            common++;
        }

        for (var i = common; i < labels.Length; i++)
        {
            labels[i] = ids[i];
        }

        return labels;
    }

    private static int[] NoLabels(int count)
    {
        var labels = new int[count];
        Array.Fill(labels, TokensRow.NoLoss);
        return labels;
    }
}
