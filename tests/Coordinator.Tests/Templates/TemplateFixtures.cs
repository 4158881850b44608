using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>The golden templates, conversations and snippets.</summary>
internal static class TemplateFixtures
{
    /// <summary>The moment at which all golden texts were rendered.</summary>
    public static DateTime Clock { get; } = new(2026, 2, 3, 4, 5, 6);

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetDirectories(Fixtures.At("templates")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    public static JsonElement Json(string file) => JsonElement.Parse(File.ReadAllText(Fixtures.At("templates", file)));

    private static readonly Lazy<JsonElement> Conversations = new(() => Json("conversations.json"));

    public static JsonElement Meta(string template) => Json($"{template}/meta.json");

    public static string Source(string template) => File.ReadAllText(Fixtures.At("templates", template, "template.jinja"));

    /// <summary>The lines of a packed file; they end at \n alone.</summary>
    public static IReadOnlyList<JsonElement> Lines(string file) =>
        [.. Fixtures.Unpacked("templates", file).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];

    /// <summary>A string, also one with half a surrogate pair, which the JSON reader refuses.</summary>
    public static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Regex.Unescape(element.GetRawText()[1..^1]);
        }
    }

    /// <summary>A line of a template's cases as transformers was given it.</summary>
    public static ChatInput Input(string template, JsonElement golden)
    {
        var kwargs = golden.GetProperty("kwargs");
        return Input(template, golden.GetProperty("conversation").GetString()!) with
        {
            Tools = golden.GetProperty("with_tools").GetBoolean() ? Conversation(golden).GetProperty("tools") : null,
            Documents = golden.GetProperty("with_documents").GetBoolean() ? Conversation(golden).GetProperty("documents") : null,
            Kwargs = kwargs,
            AddGenerationPrompt = kwargs.TryGetProperty("add_generation_prompt", out var prompt) && prompt.GetBoolean(),
            ContinueFinalMessage = kwargs.TryGetProperty("continue_final_message", out var goOn) && goOn.GetBoolean(),
        };
    }

    /// <summary>One of the conversations, without tools or documents.</summary>
    public static ChatInput Input(string template, string conversation) => new()
    {
        Messages = Conversations.Value.GetProperty(conversation).GetProperty("messages"),
        SpecialTokens = Meta(template).GetProperty("special_tokens").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!, StringComparer.Ordinal),
        Clock = Clock,
    };

    private static JsonElement Conversation(JsonElement golden) => Conversations.Value.GetProperty(golden.GetProperty("conversation").GetString()!);
}
