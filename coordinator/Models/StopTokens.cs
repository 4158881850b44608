using System.Text.Json;

namespace Orchestrator.Coordinator.Models;

/// <summary>The tokens with which a model ends what it says.</summary>
internal static class StopTokens
{
    private const string Key = "eos_token_id";

    private static readonly string[] Files = ["generation_config.json", "config.json"];

    /// <summary>The eos_token_id of generation_config.json and of config.json, a number or a list in each, without repetitions.</summary>
    /// <exception cref="InvalidInputException">A file is damaged, or has something else there.</exception>
    public static IReadOnlyList<int> Read(string folder)
    {
        List<int> tokens = [];
        foreach (var (document, value, ids) in Documents(folder))
        {
            tokens.AddRange(ids.All(id => id >= 0) ? ids : throw Wrong(document, value));
        }

        return [.. tokens.Distinct()];
    }

    /// <summary>The ids of the first file that names any, and its name; null: none does.</summary>
    /// <exception cref="InvalidInputException">That file is damaged, or has something else there.</exception>
    public static (string File, IReadOnlyList<int> Ids)? First(string folder)
    {
        foreach (var (document, _, ids) in Documents(folder))
        {
            return (Path.GetFileName(document.File), ids);
        }

        return null;
    }

    private static IEnumerable<(ConfigDocument Document, JsonElement Value, IReadOnlyList<int> Ids)> Documents(string folder)
    {
        foreach (var path in Files.Select(name => Path.Combine(folder, name)).Where(File.Exists))
        {
            var document = ConfigDocument.Read(path);
            if (document.Find(Key) is { } value)
            {
                JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
                yield return (document, value, [.. items.Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) ? id : throw Wrong(document, value))]);
            }
        }
    }

    private static InvalidInputException Wrong(ConfigDocument document, JsonElement value) => document.Wrong(Key, "a token id or a list of them", value);
}
