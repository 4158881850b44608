using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>What stands beside tokenizer.json: the names of the special tokens and the chat template.</summary>
/// <remarks>
/// Read as transformers reads it: special_tokens_map.json counts before tokenizer_config.json unless the latter has added_tokens_decoder;
/// chat_template.jinja counts before the template in tokenizer_config.json. Files that are absent leave everything null.
/// </remarks>
/// <param name="BosToken">Text of the token that begins a text.</param>
/// <param name="EosToken">Text of the token that ends a text or turn.</param>
/// <param name="PadToken">Text of the token that fills up.</param>
/// <param name="UnkToken">Text of the token for what is unknown.</param>
/// <param name="ChatTemplate">Source of the chat template, line ends as in the file.</param>
/// <param name="AddBosToken">add_bos_token; says nothing where tokenizer.json has a template for special tokens.</param>
/// <param name="AddEosToken">add_eos_token.</param>
/// <param name="AdditionalSpecialTokens">Special tokens without a role.</param>
internal sealed record TokenizerConfig(
    string? BosToken, string? EosToken, string? PadToken, string? UnkToken, string? ChatTemplate, bool? AddBosToken, bool? AddEosToken,
    IReadOnlyList<string> AdditionalSpecialTokens)
{
    public const string FileName = "tokenizer_config.json";

    public const string TemplateFileName = "chat_template.jinja";

    private const string SpecialTokensFileName = "special_tokens_map.json";
    private const int MaxTemplateBytes = 1_000_000;

    /// <summary>The tokens that have a role, by the name that templates know them by.</summary>
    public IReadOnlyDictionary<string, string> NamedTokens { get; } =
        new[] { ("bos_token", BosToken), ("eos_token", EosToken), ("pad_token", PadToken), ("unk_token", UnkToken) }
            .Where(token => token.Item2 is not null).ToDictionary(token => token.Item1, token => token.Item2!, StringComparer.Ordinal);

    /// <summary>Reads a model folder.</summary>
    /// <exception cref="InvalidInputException">A file is there and damaged.</exception>
    public static TokenizerConfig Open(string folder)
    {
        var config = Part(folder, FileName);
        var special = config?.Find("added_tokens_decoder") is null ? Part(folder, SpecialTokensFileName) : null;
        return new TokenizerConfig(
            Token(special, config, "bos_token"),
            Token(special, config, "eos_token"),
            Token(special, config, "pad_token"),
            Token(special, config, "unk_token"),
            TemplateFile(folder) ?? (config?.Find("chat_template") is { } template ? Template(template) : null),
            Flag(config, "add_bos_token"),
            Flag(config, "add_eos_token"),
            Additional(special, config));
    }

    private static JsonPart? Part(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        return File.Exists(path) ? new JsonPart(path, "", ConfigDocument.Read(path).Root) : null;
    }

    private static bool? Flag(JsonPart? config, string key) => config?.Find(key) is null ? null : config.Value.Flag(key, absent: false);

    // Where the map has the key it counts, even as null.
    private static string? Token(JsonPart? special, JsonPart? config, string key)
    {
        var source = special is { } map && map.Element.TryGetProperty(key, out _) ? special : config;
        return source?.Find(key) is { } token ? Content(token) : null;
    }

    // "<s>" or {"content": "<s>", ...}.
    private static string Content(JsonPart token) => token.Element.ValueKind == JsonValueKind.Object ? token.Get("content").Text() : token.Text();

    private static List<string> Additional(JsonPart? special, JsonPart? config)
    {
        foreach (string key in (ReadOnlySpan<string>)["extra_special_tokens", "additional_special_tokens"])
        {
            if ((special?.Find(key) ?? config?.Find(key)) is { Element.ValueKind: JsonValueKind.Array } tokens)
            {
                return [.. tokens.Items().Select(Content)];
            }
        }

        return [];
    }

    // One template, or a list of named ones of which "default" is for chats.
    private static string Template(JsonPart part)
    {
        if (part.Element.ValueKind != JsonValueKind.Array)
        {
            return part.Text();
        }

        foreach (var item in part.Items())
        {
            if (item.Get("name").Text() == "default")
            {
                return item.Get("template").Text();
            }
        }

        throw new InvalidInputException($"{part.Where}: none of the named templates is 'default'; name one so, or put the template into {TemplateFileName}.");
    }

    private static string? TemplateFile(string folder)
    {
        string path = Path.Combine(folder, TemplateFileName);
        try
        {
            var file = new FileInfo(path);
            return !file.Exists ? null : file.Length <= MaxTemplateBytes ? File.ReadAllText(path)
                : throw new InvalidInputException($"{path} is larger than {MaxTemplateBytes} bytes, which no template is; replace it.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {ReadFailure.Reason(error)}.", error);
        }
    }
}
