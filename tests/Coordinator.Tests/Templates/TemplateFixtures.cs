using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>The golden templates, conversations and snippets.</summary>
internal static class TemplateFixtures
{
    /// <summary>The moment at which all golden texts were rendered.</summary>
    public static DateTime Clock { get; } = new(2026, 2, 3, 4, 5, 6);

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetDirectories(Fixtures.At("templates")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    public static JsonElement Json(string file) => JsonElement.Parse(File.ReadAllText(Fixtures.At("templates", file)));

    public static string Source(string template) => File.ReadAllText(Fixtures.At("templates", template, "template.jinja"));

    /// <summary>The lines of a packed file; they end at \n alone.</summary>
    public static IReadOnlyList<JsonElement> Lines(string file)
    {
        using var packed = new GZipStream(File.OpenRead(Fixtures.At("templates", file)), CompressionMode.Decompress);
        using var reader = new StreamReader(packed, new UTF8Encoding(false));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
    }

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
}
