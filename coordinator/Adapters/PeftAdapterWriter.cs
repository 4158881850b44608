using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>Writes an adapter folder that PEFT, vLLM and llama.cpp load as it is.</summary>
/// <remarks>Tensors are streamed.</remarks>
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

    /// <summary>Paths, relative to an adapter's folder, of what the writer may have put there.</summary>
    public static IEnumerable<string> FilesIn(string folder) => [PeftAdapter.ConfigFile, PeftAdapter.WeightsFile, CardFile, LineageFile, .. TokenizerFiles, .. TemplatesIn(folder)];

    /// <summary>Whether a folder is one that the writer has filled, with nothing of somebody else's in it.</summary>
    public static bool HasWritten(string folder)
    {
        var ours = FilesIn(folder).ToHashSet(StringComparer.Ordinal);
        return File.Exists(Path.Combine(folder, LineageFile))
            && Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).All(file => ours.Contains(Path.GetRelativePath(folder, file)));
    }

    /// <summary>Fills a folder.</summary>
    /// <param name="folder">An empty one.</param>
    /// <param name="config">Read from the adapter that training started from, or made new.</param>
    /// <param name="tensors">A and B of every adapted module, in any order.</param>
    /// <param name="card">README.md.</param>
    /// <param name="lineage">lineage.json.</param>
    /// <param name="tokenizerFolder">The base model's folder, whose tokenizer files are copied; null: none.</param>
    /// <exception cref="IOException">The folder could not be written (a full disk, for one).</exception>
    public static void Write(string folder, PeftConfig config, IReadOnlyList<AdapterTensor> tensors, ModelCard card, Lineage lineage, string? tokenizerFolder)
    {
        File.WriteAllBytes(Path.Combine(folder, PeftAdapter.ConfigFile), config.Bytes.Span);
        using (var stream = new FileStream(Path.Combine(folder, PeftAdapter.WeightsFile), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
        {
            WriteWeights(stream, tensors);
        }

        File.WriteAllText(Path.Combine(folder, CardFile), card.ToMarkdown());
        File.WriteAllBytes(Path.Combine(folder, LineageFile), lineage.ToJson());
        if (tokenizerFolder is not null)
        {
            CopyTokenizer(tokenizerFolder, folder);
        }
    }

    /// <summary>Writes adapter_model.safetensors to a stream, byte for byte as PEFT does.</summary>
    public static void WriteWeights(Stream stream, IReadOnlyList<AdapterTensor> tensors) => SafetensorsWriter.Write(
        stream,
        new Dictionary<string, string> { ["format"] = "pt" },
        tensors.Select(tensor => new SafetensorsSource(PeftAdapter.KeyOf(tensor.Module, tensor.IsA), tensor.DType, tensor.Shape, tensor.CopyTo)));

    private static void CopyTokenizer(string from, string to)
    {
        foreach (string name in TokenizerFiles.Where(name => File.Exists(Path.Combine(from, name))).Concat(TemplatesIn(from)))
        {
            string target = Path.Combine(to, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, File.ReadAllBytes(Path.Combine(from, name)));
        }
    }

    // The templates beside the default one, for tools or documents.
    private static IEnumerable<string> TemplatesIn(string folder)
    {
        string templates = Path.Combine(folder, TokenizerConfig.TemplateFolderName);
        return Directory.Exists(templates) ? Directory.EnumerateFiles(templates, "*.jinja").Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal) : [];
    }
}
