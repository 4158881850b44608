using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>A PEFT adapter folder as plain facts: its configuration and where each tensor's bytes lie.</summary>
/// <remarks>Immutable. Reading checks the configuration and the header; <see cref="Bind"/> holds both against a model.</remarks>
internal sealed class PeftAdapter
{
    /// <summary>The configuration's file name.</summary>
    public const string ConfigFile = "adapter_config.json";

    /// <summary>The weights' file name.</summary>
    public const string WeightsFile = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";

    private PeftAdapter(string folder, PeftConfig config, SafetensorsHeader tensors)
    {
        (Folder, Config, Tensors) = (folder, config, tensors);
    }

    /// <summary>Absolute path.</summary>
    public string Folder { get; }

    /// <summary>What adapter_config.json says.</summary>
    public PeftConfig Config { get; }

    /// <summary>The header of adapter_model.safetensors.</summary>
    public SafetensorsHeader Tensors { get; }

    /// <summary>The key of a parameter in adapter_model.safetensors.</summary>
    public static string KeyOf(string module, bool isA) => $"{Prefix}{module}.{(isA ? "lora_A" : "lora_B")}.weight";

    /// <summary>Reads an adapter folder.</summary>
    /// <exception cref="InvalidInputException">The folder is no readable PEFT adapter, or uses a feature that is not built; named.</exception>
    public static PeftAdapter Read(string folder)
    {
        string path = Path.GetFullPath(folder);
        if (!Directory.Exists(path))
        {
            string cause = File.Exists(path) ? "is a file" : "does not exist";
            throw new InvalidInputException($"{path} {cause}; an adapter is a folder with {ConfigFile} and {WeightsFile}.");
        }

        PeftConfig config = PeftConfig.Read(Path.Combine(path, ConfigFile));
        string weights = Path.Combine(path, WeightsFile);
        if (!File.Exists(weights) && File.Exists(Path.Combine(path, "adapter_model.bin")))
        {
            throw new InvalidInputException($"{path} holds adapter_model.bin, and pickled weights are not read; save the adapter as safetensors.");
        }

        SafetensorsHeader header = SafetensorsHeader.Read(weights);
        foreach (SafetensorsTensor tensor in header.Tensors)
        {
            CheckKey(header.File, tensor);
        }

        return new PeftAdapter(path, config, header);
    }

    /// <summary>The adapted modules of the model, each starting from this adapter's tensors.</summary>
    /// <exception cref="InvalidInputException">The adapter does not fit the model: a tensor is missing, left over or of another shape.</exception>
    public IReadOnlyList<AdapterModule> Bind(ModelSpec model, ICollection<string>? warnings = null)
    {
        IReadOnlyList<AdapterModule> modules = TargetModules.Resolve(model, Config.Lora, warnings);
        foreach (AdapterModule module in modules)
        {
            module.InitialA = Slice(KeyOf(module.Module, isA: true), module.Rank, module.InFeatures);
            module.InitialB = Slice(KeyOf(module.Module, isA: false), module.OutFeatures, module.Rank);
        }

        HashSet<string> used = [.. modules.SelectMany(module => new[] { module.InitialA.Name, module.InitialB.Name })];
        return Tensors.Tensors.FirstOrDefault(tensor => !used.Contains(tensor.Name)) is { } extra
            ? throw new InvalidInputException(
                $"{Tensors.File} holds tensor '{ForeignText.Clip(extra.Name)}', which {ConfigFile} adapts no layer for; the adapter is of another model or damaged.")
            : modules;
    }

    private TensorSlice Slice(string key, uint rows, uint columns)
    {
        SafetensorsTensor tensor = Tensors.Find(key)
            ?? throw new InvalidInputException($"tensor {key} is missing in {Tensors.File}; the adapter is of another model or damaged.");
        return tensor.Shape is [var first, var second] && first == rows && second == columns
            ? Tensors.ToSlice(tensor)
            : throw new InvalidInputException(
                $"tensor {key} in {Tensors.File} has shape {tensor.ShapeText}, but the model and {ConfigFile} call for [{rows}, {columns}]; "
                + "the adapter is of another model.");
    }

    private static void CheckKey(string file, SafetensorsTensor tensor)
    {
        string name = tensor.Name;
        string? feature = name.Contains(".lora_magnitude_vector", StringComparison.Ordinal) ? "DoRA"
            : name.Contains("lora_embedding_", StringComparison.Ordinal) ? "LoRA on the embedding"
            : name.EndsWith(".bias", StringComparison.Ordinal) ? "trained biases"
            : !name.EndsWith(".lora_A.weight", StringComparison.Ordinal) && !name.EndsWith(".lora_B.weight", StringComparison.Ordinal) ? "whole saved modules"
            : null;
        if (feature is not null)
        {
            throw new InvalidInputException($"{file} holds tensor '{ForeignText.Clip(name)}' ({feature}), which is not built yet.");
        }

        if (tensor.DType is not (DType.F32 or DType.Bf16 or DType.F16))
        {
            throw new InvalidInputException($"{file} holds tensor '{ForeignText.Clip(name)}' as {tensor.DTypeName}; adapters are read as F32, BF16 or F16.");
        }
    }
}
