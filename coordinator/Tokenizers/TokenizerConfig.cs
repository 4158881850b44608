using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>What stands beside tokenizer.json: the names of the special tokens and the chat template.</summary>
/// <remarks>
/// Read as transformers reads it: special_tokens_map.json counts before tokenizer_config.json unless the latter has added_tokens_decoder;
/// chat_template.jinja counts before the templates in tokenizer_config.json. Files that are absent leave everything null.
/// </remarks>
/// <param name="NamedTokens">Texts of the tokens that have a name, by that name; templates know each of them as a variable.</param>
/// <param name="ChatTemplate">Source of the chat template, line ends as in the file.</param>
/// <param name="ToolTemplate">Source of the template for chats with tools; null: they take the other one.</param>
/// <param name="AddBosToken">add_bos_token; says nothing where tokenizer.json has a template for special tokens.</param>
/// <param name="AddEosToken">add_eos_token.</param>
/// <param name="AdditionalSpecialTokens">Special tokens without a role.</param>
internal sealed record TokenizerConfig(
    IReadOnlyDictionary<string, string> NamedTokens, string? ChatTemplate, string? ToolTemplate, bool? AddBosToken, bool? AddEosToken,
    IReadOnlyList<string> AdditionalSpecialTokens)
{
    public const string FileName = "tokenizer_config.json";

    public const string TemplateFileName = "chat_template.jinja";

    /// <summary>Where transformers keeps the templates beside the default one.</summary>
    public const string TemplateFolderName = "additional_chat_templates";

    private const string SpecialTokensFileName = "special_tokens_map.json";
    private const string ToolTemplateName = "tool_use";
    private const string NameEnd = "_token";

    private static readonly string[] Roles = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private static readonly string ToolTemplateFileName = Path.Combine(TemplateFolderName, $"{ToolTemplateName}.jinja");

    /// <summary>Text of the token that begins a text.</summary>
    public string? BosToken => NamedTokens.GetValueOrDefault("bos_token");

    /// <summary>Text of the token that ends a text or turn.</summary>
    public string? EosToken => NamedTokens.GetValueOrDefault("eos_token");

    /// <summary>Text of the token that fills up.</summary>
    public string? PadToken => NamedTokens.GetValueOrDefault("pad_token");

    /// <summary>Text of the token for what is unknown.</summary>
    public string? UnkToken => NamedTokens.GetValueOrDefault("unk_token");

    /// <summary>Reads a model folder.</summary>
    /// <exception cref="InvalidInputException">A file is there and damaged.</exception>
    public static TokenizerConfig Open(string folder)
    {
        var config = Part(folder, FileName);
        var special = config?.Find("added_tokens_decoder") is null ? Part(folder, SpecialTokensFileName) : null;
        var (template, toolTemplate) = Templates(folder, config?.Find("chat_template"));
        return new TokenizerConfig(
            Named(special, config),
            template,
            toolTemplate,
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

    // transformers' special_tokens_map: the tokens with a role, then those that the model itself names. Tokens without a name are not in it.
    private static Dictionary<string, string> Named(JsonPart? special, JsonPart? config)
    {
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var role in Roles)
        {
            if (Token(special, config, role) is { } token)
            {
                named[role] = token;
            }
        }

        var own = Members(special).Concat(Members(config)).Where(member => IsNamedToken(member.Name, member.Part))
            .Concat(Members(config?.Find("model_specific_special_tokens"))).Concat(Members(config?.Find("extra_special_tokens"))).Concat(Members(special?.Find("extra_special_tokens")));
        foreach (var (name, part) in own)
        {
            named[name] = Content(part);
        }

        return named;
    }

    // add_bos_token ends like a name too, but is true or false.
    private static bool IsNamedToken(string name, JsonPart part) => name.EndsWith(NameEnd, StringComparison.Ordinal) && !Roles.Contains(name, StringComparer.Ordinal)
        && part.Element.ValueKind is JsonValueKind.String or JsonValueKind.Object;

    private static IEnumerable<(string Name, JsonPart Part)> Members(JsonPart? part) => part is { Element.ValueKind: JsonValueKind.Object } known ? known.Members() : [];

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

    // Files count before the configuration; of it nothing is left where the default one is a file.
    private static (string? Chat, string? Tools) Templates(string folder, JsonPart? config)
    {
        var tools = TextOf(folder, ToolTemplateFileName);
        if (TextOf(folder, TemplateFileName) is { } chat)
        {
            return (chat, tools);
        }

        var (known, toolsKnown) = config is { } part ? Templates(part) : (null, null);
        return (known, tools ?? toolsKnown);
    }

    // One template, or a list of named ones of which "default" is for chats and "tool_use" for those with tools.
    private static (string Chat, string? Tools) Templates(JsonPart part)
    {
        if (part.Element.ValueKind != JsonValueKind.Array)
        {
            return (part.Text(), null);
        }

        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in part.Items())
        {
            named[item.Get("name").Text()] = item.Get("template").Text();
        }

        return named.TryGetValue("default", out var chat)
            ? (chat, named.GetValueOrDefault(ToolTemplateName))
            : throw new InvalidInputException($"{part.Where}: none of the named templates is 'default'; name one so, or put the template into {TemplateFileName}.");
    }

    private static string? TextOf(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? TemplateFile.Read(path) : null;
    }
}
