using System.Text.Json;

namespace Orchestrator.Coordinator.Models;

/// <summary>Finds which file of a model folder holds which tensor: one model.safetensors, or shards with their index.</summary>
internal static class WeightIndex
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    /// <summary>The header that holds each tensor, by tensor name. Every header was read and checked once.</summary>
    public static Dictionary<string, SafetensorsHeader> Open(string folder)
    {
        string single = Path.Combine(folder, SingleFile);
        string index = Path.Combine(folder, IndexFile);
        if (File.Exists(single))
        {
            SafetensorsHeader header = SafetensorsHeader.Read(single);
            return header.Tensors.ToDictionary(tensor => tensor.Name, _ => header, StringComparer.Ordinal);
        }

        return File.Exists(index) ? OpenShards(folder, index) : throw NoWeights(folder);
    }

    private static Dictionary<string, SafetensorsHeader> OpenShards(string folder, string index)
    {
        ConfigDocument document = ConfigDocument.Read(index);
        ConfigDocument map = document.Object("weight_map") ?? throw document.Missing("weight_map");
        var shards = new Dictionary<string, SafetensorsHeader>(StringComparer.Ordinal);
        var result = new Dictionary<string, SafetensorsHeader>(StringComparer.Ordinal);
        foreach (JsonProperty entry in map.Root.EnumerateObject())
        {
            string shard = ShardName(index, entry);
            if (!shards.TryGetValue(shard, out SafetensorsHeader? header))
            {
                header = SafetensorsHeader.Read(Path.Combine(folder, shard));
                shards.Add(shard, header);
            }

            if (header.Find(entry.Name) is null)
            {
                throw new InvalidInputException(
                    $"tensor {ForeignText.Clip(entry.Name)} is missing in {header.File}, where {IndexFile} says it is; the folder is incomplete.");
            }

            result.Add(entry.Name, header);
        }

        return result;
    }

    // A shard lies in the folder itself: an index must not lead anywhere else.
    private static string ShardName(string index, JsonProperty entry)
    {
        string? shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
        return !string.IsNullOrEmpty(shard) && shard.EndsWith(".safetensors", StringComparison.Ordinal) && !shard.AsSpan().ContainsAny('/', '\\', '\0')
            ? shard
            : throw new InvalidInputException(
                $"{index}: weight_map names {ForeignText.Clip(entry.Value.GetRawText())} for tensor {ForeignText.Clip(entry.Name)}, which is no safetensors file of this folder.");
    }

    private static InvalidInputException NoWeights(string folder)
    {
        string hint = Directory.EnumerateFiles(folder).Any(file => Path.GetExtension(file) is ".bin" or ".pt" or ".pth" or ".gguf")
            ? "; other weight formats are not read, save the model as safetensors"
            : "";
        return new InvalidInputException($"{folder} has neither {SingleFile} nor {IndexFile}{hint}.");
    }
}
