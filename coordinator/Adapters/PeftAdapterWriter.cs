using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>Writes an adapter folder that PEFT, vLLM and llama.cpp load as it is.</summary>
/// <remarks>The whole folder appears atomically, also over an older one. Tensors are streamed.</remarks>
internal static class PeftAdapterWriter
{
    /// <summary>The lineage's file name.</summary>
    public const string LineageFile = "lineage.json";

    private const string CardFile = "README.md";

    // What AutoTokenizer reads; copied beside the adapter so that the folder serves chats by itself.
    private static readonly string[] TokenizerFiles =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "vocab.json", "merges.txt", "chat_template.jinja",
    ];

    /// <summary>Every name that a written folder may hold.</summary>
    public static IEnumerable<string> FileNames => [PeftAdapter.ConfigFile, PeftAdapter.WeightsFile, CardFile, LineageFile, .. TokenizerFiles];

    /// <summary>Writes the folder.</summary>
    /// <param name="folder">Where it shall stand.</param>
    /// <param name="config">Read from the adapter that training started from, or made new.</param>
    /// <param name="tensors">A and B of every adapted module, in any order.</param>
    /// <param name="card">README.md.</param>
    /// <param name="lineage">lineage.json.</param>
    /// <param name="tokenizerFolder">The base model's folder, whose tokenizer files are copied; null: none.</param>
    /// <exception cref="IOException">The folder could not be written (a full disk, for one); nothing half-written is left.</exception>
    public static void Write(string folder, PeftConfig config, IReadOnlyList<AdapterTensor> tensors, ModelCard card, Lineage lineage, string? tokenizerFolder)
    {
        AtomicFolder.Write(folder, temporary =>
        {
            File.WriteAllBytes(Path.Combine(temporary, PeftAdapter.ConfigFile), config.Bytes.Span);
            using (var stream = new FileStream(Path.Combine(temporary, PeftAdapter.WeightsFile), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                WriteWeights(stream, tensors);
            }

            File.WriteAllText(Path.Combine(temporary, CardFile), card.ToMarkdown());
            File.WriteAllBytes(Path.Combine(temporary, LineageFile), lineage.ToJson());
            foreach (string name in TokenizerFiles.Where(name => tokenizerFolder is not null && File.Exists(Path.Combine(tokenizerFolder, name))))
            {
                File.WriteAllBytes(Path.Combine(temporary, name), File.ReadAllBytes(Path.Combine(tokenizerFolder!, name)));
            }
        });
    }

    /// <summary>Writes adapter_model.safetensors to a stream, byte for byte as PEFT does.</summary>
    public static void WriteWeights(Stream stream, IReadOnlyList<AdapterTensor> tensors) => SafetensorsWriter.Write(
        stream,
        new Dictionary<string, string> { ["format"] = "pt" },
        tensors.Select(tensor => new SafetensorsSource(PeftAdapter.KeyOf(tensor.Module, tensor.IsA), tensor.DType, tensor.Shape, tensor.CopyTo)));
}
