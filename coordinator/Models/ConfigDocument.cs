using System.Text.Json;
using System.Text.Unicode;

namespace Orchestrator.Coordinator.Models;

/// <summary>A JSON object from a foreign file, read with one sentence for each thing that can be wrong with it.</summary>
/// <remarks>A key whose value is null reads as absent, as transformers and PEFT treat it. Only <see cref="InvalidInputException"/> is thrown.</remarks>
internal sealed class ConfigDocument
{
    private const int MaxFileBytes = 100_000_000;
    private const int MaxDepth = 64;

    private readonly JsonElement _root;
    private readonly string _prefix;

    private ConfigDocument(JsonElement root, string file, string prefix)
    {
        (_root, File, _prefix) = (root, file, prefix);
    }

    /// <summary>The file's path, for messages.</summary>
    public string File { get; }

    /// <summary>The object itself.</summary>
    public JsonElement Root => _root;

    /// <summary>Reads a file whose whole content is one JSON object without duplicate keys.</summary>
    public static ConfigDocument Read(string file) => Read(file, out _);

    /// <summary>Reads a file whose whole content is one JSON object without duplicate keys, and gives its bytes too.</summary>
    public static ConfigDocument Read(string file, out byte[] bytes)
    {
        try
        {
            if (new FileInfo(file).Length > MaxFileBytes)
            {
                throw new InvalidInputException($"{file} is larger than 100 MB, which no configuration is.");
            }

            bytes = System.IO.File.ReadAllBytes(file);
            return Parse(bytes, file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{file} cannot be read: {ReadFailure.Reason(error)}.", error);
        }
    }

    /// <summary>Parses bytes; <paramref name="file"/> is the name for messages.</summary>
    public static ConfigDocument Parse(ReadOnlyMemory<byte> bytes, string file)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        try
        {
            CheckText(bytes.Span, file);
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = MaxDepth });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigDocument(document.RootElement.Clone(), file, "")
                : throw new InvalidInputException($"{file} does not hold a JSON object.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            string where = error is JsonException { LineNumber: { } line } ? $" near line {line + 1}" : "";
            string detail = ForeignText.Clip(error.Message.Split(" LineNumber:")[0].TrimEnd('.', ' '));
            throw new InvalidInputException($"{file} is not valid JSON{where}; it is truncated or damaged ({detail}).", error);
        }
    }

    /// <summary>Whether the key stands with a value other than null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>The keys of the object, in file order.</summary>
    public IEnumerable<string> Keys => _root.EnumerateObject().Select(property => property.Name);

    /// <summary>The value, or null where the key is absent or null.</summary>
    public JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>The nested object, or null.</summary>
    public ConfigDocument? Object(string key) => Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigDocument(value, File, $"{_prefix}{key}.")
        : throw Wrong(key, "an object", value);

    /// <summary>The objects of a list, or null.</summary>
    public IReadOnlyList<ConfigDocument>? Objects(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object)
            ? [.. value.EnumerateArray().Select((item, index) => new ConfigDocument(item, File, $"{_prefix}{key}[{index}]."))]
            : throw Wrong(key, "a list of objects", value);
    }

    /// <summary>A whole number within bounds, or null.</summary>
    public long? Integer(string key, long min, long max)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number)
            && Math.Floor(number) == number && number >= min && number <= max
            ? (long)number
            : throw Wrong(key, $"a whole number from {min} to {max}", value);
    }

    /// <summary>A finite number, or null.</summary>
    public double? Number(string key) => Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number
        : throw Wrong(key, "a number", value);

    /// <summary>True, false or null.</summary>
    public bool? Boolean(string key) => Find(key) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(key, "true or false", value);

    /// <summary>A string, or null.</summary>
    public string? Text(string key) => Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Wrong(key, "a string", value);

    /// <summary>A list of strings, or null.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : throw Wrong(key, "a list of strings", value);
    }

    /// <summary>The sentence for a key that lacks a value.</summary>
    public InvalidInputException Missing(string key) => new($"{File} lacks {_prefix}{key}.");

    /// <summary>The sentence for a value of the wrong kind.</summary>
    public InvalidInputException Wrong(string key, string expected, JsonElement value) =>
        new($"{File}: {_prefix}{key} must be {expected}, not {ForeignText.Clip(value.GetRawText())}.");

    // The parser lets broken UTF-8 and lone surrogates through and throws when such text is asked for, so every text is held up here once.
    private static void CheckText(ReadOnlySpan<byte> bytes, string file)
    {
        bool valid = Utf8.IsValid(bytes);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (valid && reader.Read())
            {
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped)
                {
                    _ = reader.GetString();
                }
            }
        }
        catch (InvalidOperationException)
        {
            valid = false;
        }

        if (!valid)
        {
            throw new InvalidInputException($"{file} is not valid JSON: it holds text that is not valid Unicode.");
        }
    }
}
