using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Templates;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The tokenizer of a model folder and the chat templates that a job uses with it.</summary>
/// <remarks>Immutable; safe for concurrent use. Weights and config.json are not touched.</remarks>
internal sealed class ModelText
{
    private static readonly string[] KeyFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];

    private readonly DateTime _clock;
    private readonly Lazy<string> _key;
    private readonly ModelTemplates _templates;

    private ModelText(string folder, Tokenizer tokenizer, TokenizerConfig config, ModelTemplates templates, DataSpec data)
    {
        (Folder, Tokenizer, Config, _templates, _clock) = (folder, tokenizer, config, templates, data.Clock ?? DateTime.Today);
        Template = templates.Chat;
        Clock = templates.Sources.Any(ModelTemplate.TellsTime) ? _clock : null;
        _key = new Lazy<string>(() => KeyOf(folder, templates.Sources, Clock));
        EndToken = config.EosToken is { } end ? tokenizer.TokenId(end) : null;
    }

    public string Folder { get; }

    public Tokenizer Tokenizer { get; }

    public TokenizerConfig Config { get; }

    /// <summary>The template of chats without tools; null: neither the job nor the folder has one.</summary>
    public ModelTemplate? Template { get; }

    /// <summary>The tokenizer's eos_token; null: it has none.</summary>
    public int? EndToken { get; }

    /// <summary>The moment that the template writes into its text; null: it writes none.</summary>
    public DateTime? Clock { get; }

    /// <summary>A digest of everything here that decides what a text becomes.</summary>
    public string Key => _key.Value;

    /// <summary>Opens the folder's tokenizer and the template that data.chat_template names.</summary>
    /// <exception cref="InvalidInputException">One of them is missing or not what is built.</exception>
    public static ModelText Open(string folder, DataSpec data)
    {
        var tokenizer = Tokenizer.Open(folder);
        var config = TokenizerConfig.Open(folder);
        var (source, toolSource) = data.ChatTemplate is { } file ? (TemplateFile.Read(file), null) : (config.ChatTemplate, config.ToolTemplate);
        var templates = new ModelTemplates(source, toolSource, data.ChatTemplate ?? "the model's chat template", "the model's chat template for tools");
        return new ModelText(folder, tokenizer, config, templates, data);
    }

    public static InvalidInputException NoTemplate(string folder) =>
        new($"{folder} has no chat template, and the data holds chats; give data.chat_template a .jinja file.");

    /// <summary>Ids of a text that stands for itself: with the tokens that the tokenizer puts around it.</summary>
    public int[] EncodeText(string text) => Tokenizer.Encode(text, addSpecialTokens: true).Ids;

    /// <summary>Ids of a rendered chat: the template has written its special tokens itself.</summary>
    public TokenizerEncoding EncodeChat(string text) => Tokenizer.Encode(text, addSpecialTokens: false);

    /// <summary>Whether a token may end a turn: any special token, or the tokenizer's end token.</summary>
    public bool IsEnd(int id) => Tokenizer.IsSpecial(id) || id == EndToken;

    /// <summary>The template of a chat: one with tools has its own where the folder says so, as in transformers.</summary>
    /// <exception cref="InvalidInputException">There is none, or it is not what is built.</exception>
    public ModelTemplate TemplateOf(ChatRow chat) => _templates.Of(chat.Tools) ?? throw NoTemplate(Folder);

    /// <summary>The text of messages of a chat.</summary>
    /// <param name="chat">The chat.</param>
    /// <param name="messages">Its messages, or some of them.</param>
    /// <param name="generationPrompt">Ends the text where the assistant is to speak.</param>
    /// <param name="continueFinalMessage">Ends the text inside the last message.</param>
    /// <param name="allowance">What the renderings of a row may take together; null: this is the only one.</param>
    /// <exception cref="InvalidInputException">There is no template, or it refuses the chat.</exception>
    public RenderedChat Render(ChatRow chat, JsonElement messages, bool generationPrompt, bool continueFinalMessage = false, StepAllowance? allowance = null) =>
        TemplateOf(chat).Template.Render(new ChatInput
        {
            Messages = messages,
            Tools = chat.Tools,
            Documents = chat.Documents,
            Kwargs = chat.Kwargs,
            Clock = _clock,
            AddGenerationPrompt = generationPrompt,
            ContinueFinalMessage = continueFinalMessage,
            SpecialTokens = Config.NamedTokens,
        }, allowance: allowance);

    private static string KeyOf(string folder, IEnumerable<string?> templates, DateTime? clock)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in KeyFiles.Select(name => Path.Combine(folder, name)))
        {
            hash.AppendData(File.Exists(file) ? SHA256.HashData(File.ReadAllBytes(file)) : []);
            hash.AppendData("\n"u8);
        }

        hash.AppendData(Encoding.UTF8.GetBytes($"{string.Join('\n', templates)}\n{clock:s}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
