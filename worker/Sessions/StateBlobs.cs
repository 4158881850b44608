using System.Globalization;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Sessions;

/// <summary>Writes a snapshot of a stage's adapter state as one blob.</summary>
/// <remarks>
/// Tensors are named by their state-dict keys ("model.layers.0.self_attn.q_proj.lora_A.weight"); with the optimizer, each moment follows as
/// "optimizer.0." and the same key. Any thread.
/// </remarks>
internal static unsafe class StateBlobs
{
    private const int PartBytes = 1 << 24;

    public static StateSaved Write(SaveState command, Place place, AdapterSnapshot snapshot)
    {
        var buffers = new List<(string Prefix, torch.Tensor Flat)> { ("", snapshot.Parameters) };
        if (command.Optimizer)
            buffers.AddRange(snapshot.Moments.Select((moment, i) => (string.Create(CultureInfo.InvariantCulture, $"optimizer.{i}."), moment)));
        var parameters = snapshot.Layout.Parameters;
        BlobTensorSpec[] tensors =
        [
            .. buffers.SelectMany(buffer => parameters.Select(parameter =>
                new BlobTensorSpec(buffer.Prefix + parameter.Name, DType.F32, [.. parameter.Shape.Select(size => (ulong)size)]))),
        ];
        using var writer = BlobWriter.Create(command.Folder, "adapter-state", Facts(command, place), tensors);
        foreach (var (prefix, flat) in buffers)
        {
            foreach (var parameter in parameters)
                WriteParameter(writer, prefix + parameter.Name, TensorMemory.Pointer(flat) + (parameter.Offset * sizeof(float)), parameter.Length * sizeof(float));
        }

        var blob = writer.CompleteByDigest();
        return new StateSaved
        {
            Scope = command.Scope,
            Place = place,
            Step = command.Step,
            File = Path.GetFileName(blob.Path),
            Sha256 = blob.Sha256,
            Bytes = blob.Bytes,
        };
    }

    private static void WriteParameter(BlobWriter writer, string name, byte* first, long bytes)
    {
        for (long at = 0; at < bytes; at += PartBytes)
            writer.Write(name, new ReadOnlySpan<byte>(first + at, (int)Math.Min(PartBytes, bytes - at)));
    }

    private static Dictionary<string, string> Facts(SaveState command, Place place) => new(StringComparer.Ordinal)
    {
        ["job"] = command.Scope.Job,
        ["step"] = command.Step.ToString(CultureInfo.InvariantCulture),
        ["replica"] = place.Replica.ToString(CultureInfo.InvariantCulture),
        ["stage"] = place.Stage.ToString(CultureInfo.InvariantCulture),
    };
}
