using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Adapters;

/// <summary>A layer's adapter and optimizer state as one piece: parameters, then each moment, in flat order without padding, fp32 bits.</summary>
/// <remarks>The same bytes on any layout. Host memory; any thread.</remarks>
internal static unsafe class LayerStates
{
    /// <summary>Bytes of a layer's piece.</summary>
    public static long BytesOf(AdapterLayer layer, int numMoments) => layer.NumElements * (1 + numMoments) * sizeof(float);

    /// <summary>Copies a layer's piece out of a snapshot.</summary>
    public static void CopyOut(AdapterSnapshot from, AdapterLayer layer, byte* to) => ForEach(from.Flats, layer, (values, bytes) =>
    {
        Buffer.MemoryCopy(values, to, bytes, bytes);
        to += bytes;
    });

    /// <summary>Copies a layer's piece into a snapshot.</summary>
    public static void CopyIn(byte* from, AdapterSnapshot to, AdapterLayer layer) => ForEach(to.Flats, layer, (values, bytes) =>
    {
        Buffer.MemoryCopy(from, values, bytes, bytes);
        from += bytes;
    });

    /// <summary>The hash of a layer's piece.</summary>
    public static StateHash HashOf(uint layer, byte* piece, long bytes)
    {
        var hash = StateHash.OfLayer(layer);
        hash.Append((uint*)piece, bytes / sizeof(uint));
        return hash;
    }

    /// <summary>The hash of a state: the sum of its layers'.</summary>
    /// <param name="layout">Where they lie.</param>
    /// <param name="flats">Parameters and moments in host memory.</param>
    public static StateHash HashOf(AdapterLayout layout, IReadOnlyList<torch.Tensor> flats)
    {
        // Sums of integers: a thread a layer gives the same hash.
        var hashes = new StateHash[layout.Layers.Count];
        KernelParallel.Each(hashes.Length, i =>
        {
            var hash = StateHash.OfLayer(layout.Layers[i].Layer);
            ForEach(flats, layout.Layers[i], (values, bytes) => hash.Append((uint*)values, bytes / sizeof(uint)));
            hashes[i] = hash;
        });
        return hashes.Aggregate(default(StateHash), (sum, hash) => sum + hash);
    }

    private delegate void Part(byte* values, long bytes);

    private static void ForEach(IReadOnlyList<torch.Tensor> flats, AdapterLayer layer, Part part)
    {
        foreach (var flat in flats)
        {
            foreach (var parameter in layer.Parameters)
                part(TensorMemory.Pointer(flat) + (parameter.Offset * sizeof(float)), parameter.Length * sizeof(float));
        }
    }
}
