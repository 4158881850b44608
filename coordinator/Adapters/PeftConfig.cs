using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>An adapter_config.json: read from a file or made for a new adapter.</summary>
/// <remarks>Immutable. One that was read is written back byte for byte, as long as PEFT knows all its keys and its base model stays.</remarks>
internal sealed class PeftConfig
{
    private readonly byte[] _bytes;

    private PeftConfig(LoraConfig lora, string? baseModel, byte[] bytes)
    {
        (Lora, BaseModel, _bytes) = (lora, baseModel, bytes);
    }

    /// <summary>What is built of it.</summary>
    public LoraConfig Lora { get; }

    /// <summary><c>base_model_name_or_path</c>.</summary>
    public string? BaseModel { get; }

    /// <summary>The file's content.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Reads and checks a file.</summary>
    public static PeftConfig Read(string file)
    {
        ConfigDocument document = ConfigDocument.Read(file, out byte[] bytes);
        return Parse(bytes, document);
    }

    /// <summary>Parses a file's content; <paramref name="file"/> is the name for messages.</summary>
    public static PeftConfig Parse(byte[] bytes, string file) => Parse(bytes, ConfigDocument.Parse(bytes, file));

    /// <summary>The configuration of a new adapter, with exactly the keys that PEFT's LoRA readers need.</summary>
    /// <param name="lora">The job's configuration.</param>
    /// <param name="baseModel">The name or path of the base model.</param>
    /// <param name="modules">The adapted modules of the whole model, as <see cref="TargetModules"/> resolved them.</param>
    public static PeftConfig Create(LoraConfig lora, string baseModel, IReadOnlyList<AdapterModule> modules) =>
        new(lora, baseModel, PeftConfigWriter.Write(lora, baseModel, modules));

    /// <summary>The same configuration for a base model of that name.</summary>
    public PeftConfig WithBase(string baseModel) => baseModel == BaseModel
        ? this
        : new PeftConfig(Lora, baseModel, PeftConfigWriter.Rewrite(_bytes, baseModel));

    private static PeftConfig Parse(byte[] bytes, ConfigDocument document)
    {
        LoraConfig lora = PeftConfigReader.Read(document);
        string? baseModel = document.Text("base_model_name_or_path");
        bool known = document.Keys.All(PeftConfigWriter.KnownKeys.Contains);
        return new PeftConfig(lora, baseModel, known ? bytes : PeftConfigWriter.Rewrite(bytes));
    }
}
