using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Facts of models, adapters and bare safetensors files.</summary>
internal static class InspectModel
{
    public static JsonObject Model(string path)
    {
        var folder = ModelFolder.Open(path);
        var spec = folder.Spec;
        var slices = folder.AllSlices(quantize: true);
        return new JsonObject
        {
            ["kind"] = "model",
            ["path"] = folder.Path,
            ["family"] = spec.Family,
            ["parameters"] = slices.Sum(Elements),
            ["quantizable_parameters"] = slices.Where(slice => slice.Quantize).Sum(Elements),
            ["layers"] = spec.NumLayers,
            ["hidden_size"] = spec.HiddenSize,
            ["intermediate_size"] = spec.IntermediateSize,
            ["attention_heads"] = spec.NumAttentionHeads,
            ["key_value_heads"] = spec.NumKeyValueHeads,
            ["head_dim"] = spec.HeadDim,
            ["vocab_size"] = spec.VocabSize,
            ["max_position_embeddings"] = spec.MaxPositionEmbeddings,
            ["tied_head"] = spec.TieWordEmbeddings,
            ["dtypes"] = new JsonArray([.. slices.Select(slice => SafetensorsDTypes.NameOf(slice.Dtype)).Distinct().Order().Select(name => JsonValue.Create(name))]),
            ["weight_bytes"] = folder.WeightBytes,
            ["files"] = new JsonArray([.. folder.WeightFiles.Select(file => JsonValue.Create(Path.GetFileName(file)))]),
        };
    }

    public static JsonObject Adapter(string path)
    {
        var adapter = PeftAdapter.Read(path);
        var lora = adapter.Config.Lora;
        return new JsonObject
        {
            ["kind"] = "adapter",
            ["path"] = adapter.Folder,
            ["base_model"] = adapter.Config.BaseModel,
            ["r"] = lora.Rank,
            ["lora_alpha"] = lora.Alpha,
            ["lora_dropout"] = lora.Dropout,
            ["use_rslora"] = lora.UseRslora,
            ["target_modules"] = Selector(lora.TargetModules),
            ["exclude_modules"] = Selector(lora.ExcludeModules),
            ["adapted_modules"] = adapter.Tensors.Tensors.Count / 2,
            ["parameters"] = adapter.Tensors.Tensors.Sum(tensor => Elements(tensor.Shape)),
            ["dtypes"] = new JsonArray([.. adapter.Tensors.Tensors.Select(tensor => tensor.DTypeName).Distinct().Order().Select(name => JsonValue.Create(name))]),
            ["lineage"] = File.Exists(Path.Combine(path, PeftAdapterWriter.LineageFile)),
        };
    }

    public static JsonObject Safetensors(string path)
    {
        var header = SafetensorsHeader.Read(path);
        return new JsonObject
        {
            ["kind"] = "safetensors",
            ["path"] = header.File,
            ["metadata"] = new JsonObject(header.Metadata.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
            ["bytes"] = header.Tensors.Aggregate(0UL, (sum, tensor) => sum + tensor.Length),
            ["tensors"] = new JsonArray([.. header.Tensors.Select(tensor => new JsonObject
            {
                ["name"] = tensor.Name,
                ["dtype"] = tensor.DTypeName,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => JsonValue.Create(size))]),
            })]),
        };
    }

    private static JsonNode? Selector(ModuleSelector? selector) => selector switch
    {
        null => null,
        { Pattern: { } pattern } => pattern,
        _ => new JsonArray([.. selector.Names!.Select(name => JsonValue.Create(name))]),
    };

    private static long Elements(TensorSlice slice) => Elements(slice.Shape);

    private static long Elements(IEnumerable<ulong> shape) => (long)shape.Aggregate(1UL, (product, size) => product * size);
}
