using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>A Hugging Face model folder as plain facts: its <see cref="ModelSpec"/> and where each tensor's bytes lie.</summary>
/// <remarks>
/// Immutable. Opening reads config.json and the headers of the safetensors files, never their tensors, and checks that every tensor the model needs is there
/// with its shape and a type that workers load. File contents are hashed only by <see cref="HashAsync"/>.
/// </remarks>
internal sealed class ModelFolder
{
    private readonly Dictionary<string, TensorSlice> _slices;

    private ModelFolder(string path, ModelSpec spec, Dictionary<string, TensorSlice> slices, IReadOnlyList<string> weightFiles)
    {
        (Path, Spec, _slices, WeightFiles) = (path, spec, slices, weightFiles);
    }

    /// <summary>Absolute path of the folder.</summary>
    public string Path { get; }

    /// <summary>The model.</summary>
    public ModelSpec Spec { get; }

    /// <summary>Absolute paths of the safetensors files, in name order.</summary>
    public IReadOnlyList<string> WeightFiles { get; }

    /// <summary>Bytes of the tensors that the model needs.</summary>
    public ulong WeightBytes => _slices.Values.Aggregate(0UL, (sum, slice) => sum + slice.Length);

    /// <summary>The tensors that the model needs, in no order; copies are the caller's business.</summary>
    public IReadOnlyCollection<TensorSlice> Tensors => _slices.Values;

    /// <summary>Opens and checks a folder.</summary>
    /// <exception cref="InvalidInputException">Anything about the folder is wrong or not supported.</exception>
    public static ModelFolder Open(string path)
    {
        string folder = System.IO.Path.GetFullPath(path);
        ModelSpec spec = ReadSpec(folder);
        Dictionary<string, SafetensorsHeader> headers = WeightIndex.Open(folder);
        var slices = new Dictionary<string, TensorSlice>(StringComparer.Ordinal);
        foreach (ExpectedTensor expected in ModelTensors.Of(spec))
        {
            slices.Add(expected.Name, Locate(folder, headers, expected));
        }

        return new ModelFolder(folder, spec, slices, [.. headers.Values.Select(header => header.File).Distinct().Order(StringComparer.Ordinal)]);
    }

    /// <summary>Reads the folder's config.json alone; weights need not be there.</summary>
    public static ModelSpec ReadSpec(string path)
    {
        string folder = System.IO.Path.GetFullPath(path);
        CheckFolder(folder);
        return ModelConfig.Read(System.IO.Path.Combine(folder, "config.json"));
    }

    /// <summary>Exactly the tensors of a stage: its layers (<paramref name="lastLayer"/> inclusive), the embedding and the final norm with the head where asked.</summary>
    /// <param name="firstLayer">First decoder layer.</param>
    /// <param name="lastLayer">Last decoder layer, inclusive.</param>
    /// <param name="embedding">The stage begins with the embedding.</param>
    /// <param name="head">The stage ends with the final norm and the output head; a tied head brings the embedding's weight.</param>
    /// <param name="quantize">Linear layers are marked to be quantized while loading, but those of <paramref name="skip"/>.</param>
    /// <param name="skip">Those; null: the output head alone.</param>
    /// <returns>Fresh messages that belong to the caller.</returns>
    public IReadOnlyList<TensorSlice> StageSlices(
        uint firstLayer, uint lastLayer, bool embedding, bool head, bool quantize = false, SkipModules? skip = null)
    {
        skip ??= SkipModules.Head;
        return [.. ModelTensors.Of(Spec, firstLayer, lastLayer, embedding, head).Select(expected =>
        {
            TensorSlice slice = _slices[expected.Name].Clone();
            slice.Quantize = quantize && expected.Linear is not null && !skip.Contains(expected.Linear);
            return slice;
        })];
    }

    /// <summary>All tensors of the model as one stage.</summary>
    public IReadOnlyList<TensorSlice> AllSlices(bool quantize = false, SkipModules? skip = null) =>
        StageSlices(0, Spec.NumLayers - 1, embedding: true, head: true, quantize, skip);

    /// <summary>Hashes config.json and the weight files, reading each once; for lineage and for keys of stages.</summary>
    public Task<FilesHash> HashAsync(CancellationToken cancellationToken) =>
        FilesHash.ComputeAsync(Path, [System.IO.Path.Combine(Path, "config.json"), .. WeightFiles], cancellationToken);

    /// <summary>Refuses what is no folder, or one with nothing in it.</summary>
    /// <exception cref="InvalidInputException">It is missing, a file, empty, or cannot be listed.</exception>
    public static void Require(string path)
    {
        string folder = System.IO.Path.GetFullPath(path);
        if (File.Exists(folder))
        {
            throw new InvalidInputException($"{folder} is a file; a model is a Hugging Face folder with config.json and safetensors files.");
        }

        try
        {
            if (!Directory.EnumerateFileSystemEntries(folder).Any())
            {
                throw new InvalidInputException($"{folder} is empty; a model is a Hugging Face folder with config.json and safetensors files.");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{folder} cannot be read: {ReadFailure.Reason(error)}.", error);
        }
    }

    private static void CheckFolder(string folder)
    {
        Require(folder);
        if (!File.Exists(System.IO.Path.Combine(folder, "config.json")))
        {
            string hint = File.Exists(System.IO.Path.Combine(folder, "adapter_config.json")) ? "; it is an adapter, not a model" : "";
            throw new InvalidInputException($"{folder} has no readable config.json{hint}.");
        }
    }

    private static TensorSlice Locate(string folder, Dictionary<string, SafetensorsHeader> headers, ExpectedTensor expected)
    {
        if (!headers.TryGetValue(expected.Name, out SafetensorsHeader? header) || header.Find(expected.Name) is not { } tensor)
        {
            string where = header?.File ?? folder;
            throw new InvalidInputException(
                $"tensor {expected.Name} is missing in {where}; the model's config.json calls for it, so the folder is incomplete or of another model.");
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(expected.Shape))
        {
            throw new InvalidInputException(
                $"tensor {expected.Name} in {header.File} has shape {tensor.ShapeText}, but config.json calls for {SafetensorsTensor.Describe(expected.Shape)}.");
        }

        return tensor.DType is DType.Bf16 or DType.F16 or DType.F32
            ? header.ToSlice(tensor)
            : throw new InvalidInputException($"tensor {expected.Name} in {header.File} is {tensor.DTypeName}; weights are read as BF16, F16 or F32.");
    }
}
