using System.Globalization;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Protos.Faults;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Checkpoints;

/// <summary>Writes a snapshot of a stage's adapter state, one blob a layer.</summary>
/// <remarks>
/// By layer and not by stage, so that another layout can go on from it. Tensors are named by their state-dict keys
/// ("model.layers.0.self_attn.q_proj.lora_A.weight"); each moment of the optimizer follows as "optimizer.0." and the same key, all of them fp32 bits. A blob says
/// nothing of who wrote it: the same state has the same bytes on any layout. Any thread.
/// </remarks>
internal static unsafe class StateBlobs
{
    /// <summary>The kind that a blob's header says.</summary>
    public const string Kind = "layer-state";

    private const int PartBytes = 1 << 24;

    /// <summary>The name of a parameter's values in a moment.</summary>
    public static string MomentName(int moment, AdapterParameter parameter) => string.Create(CultureInfo.InvariantCulture, $"optimizer.{moment}.{parameter.Name}");

    /// <summary>Writes every layer's blob; each is durable under its name when this returns.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Between two blobs.</exception>
    public static IReadOnlyList<StateBlob> Write(string folder, AdapterSnapshot snapshot, CancellationToken cancellationToken)
    {
        var blobs = new List<StateBlob>();
        foreach (var layer in snapshot.Layout.Parameters.GroupBy(parameter => parameter.Module.Layer))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var digest = WriteLayer(folder, layer.Key, [.. layer], snapshot);
            blobs.Add(new StateBlob { Layer = layer.Key, Sha256 = digest.Sha256, Bytes = digest.Bytes });
        }

        return blobs;
    }

    private static BlobDigest WriteLayer(string folder, uint layer, AdapterParameter[] parameters, AdapterSnapshot snapshot)
    {
        List<(string Name, torch.Tensor Flat, AdapterParameter Parameter)> tensors = [.. parameters.Select(parameter => (parameter.Name, snapshot.Parameters, parameter))];
        for (var i = 0; i < snapshot.Moments.Count; i++)
            tensors.AddRange(parameters.Select(parameter => (MomentName(i, parameter), snapshot.Moments[i], parameter)));
        using var writer = BlobWriter.Create(folder, Kind, Facts(layer, snapshot.Step), [.. tensors.Select(tensor => new BlobTensorSpec(tensor.Name, DType.F32, [.. tensor.Parameter.Shape.Select(size => (ulong)size)]))]);
        foreach (var (name, flat, parameter) in tensors)
        {
            var first = TensorMemory.Pointer(flat) + (parameter.Offset * sizeof(float));
            var bytes = parameter.Length * sizeof(float);
            for (long at = 0; at < bytes; at += PartBytes)
                writer.Write(name, new ReadOnlySpan<byte>(first + at, (int)Math.Min(PartBytes, bytes - at)));
        }

        FaultPoints.Reach(FaultPoint.BlobWrite, snapshot.Step);
        return writer.CompleteByDigest();
    }

    private static Dictionary<string, string> Facts(uint layer, ulong step) => new(StringComparer.Ordinal)
    {
        ["layer"] = layer.ToString(CultureInfo.InvariantCulture),
        ["step"] = step.ToString(CultureInfo.InvariantCulture),
    };
}
