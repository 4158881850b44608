using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Models;

/// <summary>Tensor slices as 4-bit weights: out of the cache, else read from the model's file, quantized and kept.</summary>
/// <param name="reader">Reads the files.</param>
/// <param name="cached">The way to the cache; null: there is none.</param>
/// <param name="quantization">How weights are quantized.</param>
/// <remarks>Equal bits either way. For one load; not thread-safe.</remarks>
internal sealed class QuantizedSlices(SliceReader reader, BaseLoad? cached, QuantizationSpec quantization)
{
    /// <summary>A weight [rows, columns]; the caller's to dispose.</summary>
    public QuantizedMatrix Load(TensorSlice slice, long rows, long columns)
    {
        if (cached is null)
            return Quantize(slice, rows, columns);
        var version = reader.VersionOf(slice, rows, columns);
        var key = BaseKey.Of(slice, version, quantization);
        if (cached.Find(key, slice, quantization) is { } found)
            return found;
        var matrix = Quantize(slice, rows, columns);
        // What was written to meanwhile is neither the old content nor the new one.
        if (reader.VersionOf(slice, rows, columns) == version)
            cached.Keep(key, matrix);
        return matrix;
    }

    private unsafe QuantizedMatrix Quantize(TensorSlice slice, long rows, long columns)
    {
        using var source = reader.Read(slice, rows, columns);
        return QuantizedMatrix.Quantize(TensorMemory.Pointer(source), (long)slice.Length, slice.Dtype, [rows, columns], quantization, slice.Name);
    }
}
