using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>What a model folder makes of a question: tokens of a text or a chat, and the tokens that end an answer.</summary>
/// <remarks>Immutable. A folder without a tokenizer can be asked with token ids only.</remarks>
internal sealed class PromptEncoder
{
    private readonly string _folder;
    private readonly ModelText? _text;

    private PromptEncoder(string folder, ModelText? text)
    {
        (_folder, _text) = (folder, text);
        int[] end = text?.EndToken is { } id ? [id] : [];
        StopTokens = [.. Models.StopTokens.Read(folder).Concat(end).Distinct()];
    }

    /// <summary>Null: the folder has none.</summary>
    public Tokenizer? Tokenizer => _text?.Tokenizer;

    public bool HasTemplate => _text?.Template is not null;

    /// <summary>Those of generation_config.json and config.json, and the tokenizer's eos_token.</summary>
    public IReadOnlyList<int> StopTokens { get; }

    /// <exception cref="InvalidInputException">A file of the folder is damaged or holds what is not supported.</exception>
    public static PromptEncoder Open(string folder, DataSpec data) =>
        new(folder, File.Exists(Path.Combine(folder, Tokenizer.FileName)) ? ModelText.Open(folder, data) : null);

    /// <summary>Tokens of a plain text, with what the tokenizer puts around one (a BOS).</summary>
    public int[] EncodeText(string text) => RequireTokenizer().EncodeText(text);

    /// <summary>Tokens of a chat up to where the model is to speak; one that ends with the model's own turn is gone on with in that turn.</summary>
    /// <exception cref="InvalidInputException">There is no template, or it refuses the chat.</exception>
    public int[] EncodeChat(ChatRow chat)
    {
        var goesOn = chat.Roles.Count > 0 && chat.Roles[^1] == ChatRoles.Assistant;
        return Encode(chat, chat.Messages, goesOn);
    }

    /// <summary>Tokens of some first messages of a chat up to where the model answers them.</summary>
    /// <exception cref="InvalidInputException">There is no template, or it refuses the messages.</exception>
    public int[] EncodeQuestion(ChatRow chat, int messages)
    {
        var list = new MessageListBuilder();
        for (var i = 0; i < messages; i++) list.Add(chat.Roles[i], chat.Each[i]);
        return Encode(chat, list.Build(), goesOn: false);
    }

    /// <summary>What is shown of a model that answers with exactly this text: no special tokens, and not the token that ends an answer.</summary>
    public string ShownAnswer(string answer)
    {
        var tokenizer = RequireTokenizer().Tokenizer;
        var ids = tokenizer.Encode(answer, addSpecialTokens: false).Ids;
        return tokenizer.Decode(ids.AsSpan().TrimEnd(StopTokens.ToArray()), skipSpecialTokens: true);
    }

    /// <exception cref="InvalidInputException">There is no template, or no tokenizer.</exception>
    public void RequireTemplate()
    {
        RequireTokenizer();
        if (!HasTemplate)
            throw new InvalidInputException($"{_folder} has no chat template, so it cannot be asked in messages; put a {TokenizerConfig.TemplateFileName} into it, or give --prompt, which is then plain text.");
    }

    /// <exception cref="InvalidInputException">There is none.</exception>
    public ModelText RequireTokenizer() =>
        _text ?? throw new InvalidInputException($"{_folder} has no {Tokenizer.FileName}, so it cannot be asked in words; put it there, or give --prompt-ids to generate.");

    private int[] Encode(ChatRow chat, JsonElement messages, bool goesOn)
    {
        RequireTemplate();
        return _text!.EncodeChat(_text.Render(chat, messages, generationPrompt: !goesOn, continueFinalMessage: goesOn).Text).Ids;
    }
}
