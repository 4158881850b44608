using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Checkpoints;

/// <summary>Fills a stage's adapter and optimizer state from the layers' blobs of a checkpoint, whatever layout wrote them.</summary>
/// <remarks>Compute thread. Every blob is read whole and checked against its digest before a value of it is used.</remarks>
internal static unsafe class StateRestore
{
    /// <exception cref="BlobFormatException">A blob is not the one that was written.</exception>
    /// <exception cref="WorkerFaultException">The blobs do not hold what the stage needs.</exception>
    public static void Fill(AdapterState state, SavedState saved)
    {
        var blobs = saved.Blobs.ToDictionary(blob => blob.Layer);
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        // The padding between parameters is zero, as it is from the start.
        List<torch.Tensor> host = [.. Enumerable.Range(0, 1 + state.Moments.Count).Select(_ => torch.zeros(state.Layout.NumElements, torch.float32))];
        foreach (var layer in state.Layout.Parameters.GroupBy(parameter => parameter.Module.Layer))
        {
            if (!blobs.TryGetValue(layer.Key, out var blob))
                throw new WorkerFaultException(ErrorCode.BadData, $"The checkpoint of step {saved.Step} in '{saved.Folder}' holds no state of layer {layer.Key}, which the adapter trains.");
            using var reader = BlobReader.Open(Path.Combine(saved.Folder, CheckpointFolders.FileOf(blob.Sha256)), blob.Sha256);
            foreach (var parameter in layer)
            {
                Copy(reader, parameter.Name, parameter, host[0]);
                for (var i = 0; i < state.Moments.Count; i++)
                    Copy(reader, StateBlobs.MomentName(i, parameter), parameter, host[i + 1]);
            }
        }

        state.Parameters.copy_(host[0]);
        for (var i = 0; i < state.Moments.Count; i++)
            state.Moments[i].copy_(host[i + 1]);
    }

    private static void Copy(BlobReader reader, string name, AdapterParameter parameter, torch.Tensor flat)
    {
        var tensor = reader.Tensor(name);
        if (tensor.Dtype != DType.F32 || !tensor.Shape.Select(size => (long)size).SequenceEqual(parameter.Shape))
        {
            throw new WorkerFaultException(
                ErrorCode.BadData, $"'{reader.FilePath}': tensor '{name}' is {tensor.Dtype} [{string.Join(", ", tensor.Shape)}] where the adapter has F32 [{string.Join(", ", parameter.Shape)}].");
        }

        var bytes = parameter.Length * sizeof(float);
        Buffer.MemoryCopy((void*)reader.Address(name), TensorMemory.Pointer(flat) + (parameter.Offset * sizeof(float)), bytes, bytes);
    }
}
