using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Over how many threads one micro-batch is cut.</summary>
/// <remarks>
/// The products of a small model are too short to cut: a second thread takes an eighth off a step of the sample, and two micro-batches side by side a good third. So a small model's micro-batch has one thread,
/// and the others take other micro-batches (<see cref="Stages.MicroBatchLanes"/>); a large one's has all of them, and memory for one. It decides bits, so it is a function of the whole model and the dtype, never of the layout.
/// </remarks>
internal static class MicroBatchThreads
{
    /// <summary>Most bytes of linear layers and output head in the compute dtype: beside what a process takes anyway they are nothing, so they are dequantized once, and the lanes share no buffer.</summary>
    public const long MostDenseBytes = 1 << 24;

    /// <summary>1, or all threads of the process.</summary>
    public static int Of(ModelSpec model, torch.ScalarType computeDtype, torch.Device device) => IsSmall(model, computeDtype, device) ? 1 : NumericEnvironment.Threads;

    /// <summary>Whether a micro-batch has a thread of its own.</summary>
    public static bool IsSmall(ModelSpec model, torch.ScalarType computeDtype, torch.Device device) =>
        device.type == DeviceType.CPU && ((long)model.NumLayers * BytesOfLayer(model, computeDtype)) + ((long)model.VocabSize * model.HiddenSize * SizeOf(computeDtype)) <= MostDenseBytes;

    /// <summary>Bytes of a layer's linear weights in the compute dtype.</summary>
    public static long BytesOfLayer(ModelSpec model, torch.ScalarType computeDtype)
    {
        var (hidden, inner) = ((long)model.HiddenSize, (long)model.IntermediateSize);
        var (queries, keys) = ((long)model.NumAttentionHeads * model.HeadDim, (long)model.NumKeyValueHeads * model.HeadDim);
        return hidden * ((2 * queries) + (2 * keys) + (3 * inner)) * SizeOf(computeDtype);
    }

    private static long SizeOf(torch.ScalarType computeDtype) => computeDtype == torch.ScalarType.Float32 ? sizeof(float) : sizeof(ushort);
}
