using System.Text.Json;

namespace Orchestrator.Coordinator.Models;

/// <summary>The tokens with which a model ends what it says.</summary>
internal static class StopTokens
{
    /// <summary>generation_config.json's file name.</summary>
    public const string GenerationConfigFile = "generation_config.json";

    /// <summary>The eos_token_id of generation_config.json and of config.json, a number or a list in each, without repetitions.</summary>
    /// <exception cref="InvalidInputException">A file is damaged, or has something else there.</exception>
    public static IReadOnlyList<int> Read(string folder)
    {
        List<int> tokens = [];
        foreach (var name in (string[])[GenerationConfigFile, "config.json"])
        {
            var file = Path.Combine(folder, name);
            if (File.Exists(file))
            {
                Add(ConfigDocument.Read(file), tokens);
            }
        }

        return [.. tokens.Distinct()];
    }

    private static void Add(ConfigDocument document, List<int> tokens)
    {
        const string Key = "eos_token_id";
        if (document.Find(Key) is not { } value)
        {
            return;
        }

        foreach (var item in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value])
        {
            tokens.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var token) && token >= 0
                ? token
                : throw document.Wrong(Key, "a token id or a list of them", value));
        }
    }
}
