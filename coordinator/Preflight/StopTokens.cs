using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>The tokens at which generation with a model stops: its generation_config.json, else its config.json.</summary>
/// <param name="Ids">The ids.</param>
/// <param name="File">The file that names them.</param>
internal sealed record StopTokens(IReadOnlyList<int> Ids, string File)
{
    private const string Key = "eos_token_id";

    private static readonly string[] Files = ["generation_config.json", "config.json"];

    /// <summary>Null: no file of the folder names any.</summary>
    /// <exception cref="InvalidInputException">A file is damaged, or the ids are none.</exception>
    public static StopTokens? Read(string folder)
    {
        foreach (var name in Files)
        {
            var path = Path.Combine(folder, name);
            if (System.IO.File.Exists(path) && ConfigDocument.Read(path) is var document && document.Find(Key) is { } value)
            {
                var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value];
                return items.TrueForAll(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _))
                    ? new StopTokens([.. items.Select(item => item.GetInt32())], name)
                    : throw document.Wrong(Key, "a token id or a list of them", value);
            }
        }

        return null;
    }
}
