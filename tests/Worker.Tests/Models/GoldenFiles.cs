using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;
using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>The reference's folders, read by the coordinator's own code.</summary>
internal static class GoldenFiles
{
    public static string Folder { get; } = Path.Combine(Root(), "tests", "fixtures");

    public static ModelFolder Model(string name) => ModelFolder.Open(Path.Combine(Folder, "models", name));

    public static PeftAdapter Adapter(string name) => PeftAdapter.Read(Path.Combine(Folder, "adapters", name));

    public static SafetensorsHeader Expected(params string[] path) => SafetensorsHeader.Read(Path.Combine([Folder, .. path, "expected.safetensors"]));

    public static float[] Floats(SafetensorsHeader file, string name) => MemoryMarshal.Cast<byte, float>(Bytes(file, name)).ToArray();

    public static int[] Integers(SafetensorsHeader file, string name)
        => MemoryMarshal.Cast<byte, long>(Bytes(file, name)).ToArray().Select(value => (int)value).ToArray();

    /// <summary>A whole model or a range of its layers as a stage.</summary>
    public static StageSpec Stage(
        ModelFolder folder, Weights weights, IReadOnlyList<AdapterModule>? adapter = null, Recompute recompute = Recompute.None, uint first = 0, uint? last = null, uint attentionBlock = 8)
    {
        var end = last ?? folder.Spec.NumLayers - 1;
        var (embedding, head) = (first == 0, end == folder.Spec.NumLayers - 1);
        var spec = new StageSpec
        {
            Model = folder.Spec,
            FirstLayer = first,
            LastLayer = end,
            Embedding = embedding,
            Head = head,
            Quantization = new QuantizationSpec
            {
                Type = weights == Weights.Sixteen ? QuantizationType.None : QuantizationType.Nf4,
                BlockSize = 64,
                DoubleQuant = weights == Weights.Nf4Double,
            },
            Optimizer = new OptimizerSpec { Kind = OptimizerKind.Adamw },
            Constants = new NumericConstants
            {
                ComputeDtype = DType.F32,
                ReductionSlots = 16,
                ChunkElements = 65_536,
                LossChunkTokens = 5,
                AttentionBlock = attentionBlock,
                Seed = 42,
            },
            Recompute = recompute,
            Training = true,
        };
        spec.Base.AddRange(folder.StageSlices(first, end, embedding, head, weights != Weights.Sixteen));
        spec.Adapter.AddRange((adapter ?? []).Where(module => LayerOf(module) >= first && LayerOf(module) <= end));
        return spec;
    }

    /// <summary>Rows of a right-padded batch as one micro-batch.</summary>
    public static MicroBatchTokens MaskedBatch(SafetensorsHeader expected, int rows, int width, bool packed)
    {
        var (ids, mask, labels) = (Integers(expected, "input_ids"), Integers(expected, "attention_mask"), Integers(expected, "labels"));
        var kept = Enumerable.Range(0, rows * width).Where(i => mask[i] == 1).ToArray();
        var lengths = Enumerable.Range(0, rows).Select(row => kept.Count(i => i / width == row)).ToArray();
        return new MicroBatchTokens([.. Enumerable.Range(0, rows).Select(i => (uint)i)], lengths, [.. kept.Select(i => ids[i])], [.. kept.Select(i => labels[i])], packed);
    }

    private static uint LayerOf(AdapterModule module) => uint.Parse(module.Module.Split('.')[2]);

    private static byte[] Bytes(SafetensorsHeader file, string name)
    {
        var tensor = file.Find(name) ?? throw new InvalidOperationException($"{file.File} has no {name}");
        using var stream = File.OpenRead(file.File);
        stream.Position = (long)tensor.Offset;
        var bytes = new byte[tensor.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orchestrator.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Orchestrator.sln is in no parent folder");
        }

        return folder;
    }
}

/// <summary>How the base weights are held.</summary>
public enum Weights
{
    Sixteen,
    Nf4,
    Nf4Double,
}
