using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Adapters;

/// <summary>Gives LoRA matrices their first values: random A and zero B, or what a file holds.</summary>
/// <remarks>A ~ U(-1/sqrt(in), 1/sqrt(in)), PEFT's kaiming_uniform(a = sqrt 5), by (seed, module, element): equal on every layout and device.</remarks>
internal static class AdapterInitialization
{
    /// <summary>Fills one parameter's part of a flat buffer in host memory that is zero.</summary>
    /// <exception cref="WorkerFaultException">The file cannot be read, or the slice is not of this shape and type.</exception>
    public static unsafe void Fill(AdapterParameter parameter, ulong seed, torch.Tensor flat)
    {
        var destination = (float*)TensorMemory.Pointer(flat) + parameter.Offset;
        var slice = parameter.IsA ? parameter.Module.InitialA : parameter.Module.InitialB;
        if (slice is not null)
            Read(slice, parameter, destination);
        else if (parameter.IsA)
            Uniform(parameter, seed, destination);
    }

    private static unsafe void Uniform(AdapterParameter parameter, ulong seed, float* destination)
    {
        var stream = new RandomStream(seed, RandomPurpose.AdapterInit, 0, 0, parameter.Module.Index);
        var bound = (float)(1 / Math.Sqrt(parameter.Module.InFeatures));
        var words = new uint[4096];
        for (long at = 0; at < parameter.Length; at += words.Length)
        {
            var part = words.AsSpan(0, (int)Math.Min(words.Length, parameter.Length - at));
            PhiloxFill.Words(stream, (ulong)at, part);
            for (var i = 0; i < part.Length; i++)
                destination[at + i] = (((part[i] >> 8) * (1f / (1 << 23))) - 1f) * bound;
        }
    }

    private static unsafe void Read(TensorSlice slice, AdapterParameter parameter, float* destination)
    {
        long[] shape = [.. slice.Shape.Select(n => (long)n)];
        if (!shape.AsSpan().SequenceEqual([.. parameter.Shape]))
            throw Bad(slice, $"has shape [{string.Join(", ", shape)}], the adapter needs [{string.Join(", ", parameter.Shape)}]");
        if (!Widening.IsSupported(slice.Dtype))
            throw Bad(slice, $"has type {slice.Dtype}, an adapter holds F32, BF16 or F16");
        var size = Widening.ElementSize(slice.Dtype);
        if (slice.Length != (ulong)(parameter.Length * size))
            throw Bad(slice, $"has {slice.Length} bytes, its shape needs {parameter.Length * size}");
        var bytes = new byte[(int)Math.Min(slice.Length, 1 << 20)];
        using var file = Open(slice);
        for (long at = 0; at < parameter.Length;)
        {
            var count = (int)Math.Min(bytes.Length / size, parameter.Length - at);
            var part = bytes.AsSpan(0, count * size);
            for (var have = 0; have < part.Length;)
            {
                var read = RandomAccess.Read(file, part[have..], (long)slice.Offset + (at * size) + have);
                have += read > 0 ? read : throw Bad(slice, "is cut off: the file ends before it does");
            }

            Widening.ToSingle(part, slice.Dtype, new Span<float>(destination + at, count));
            at += count;
        }
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle Open(TensorSlice slice)
    {
        try
        {
            return File.OpenHandle(slice.File);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkerFaultException(ErrorCode.BadData, $"'{slice.File}' cannot be read: {e.Message}", e);
        }
    }

    private static WorkerFaultException Bad(TensorSlice slice, string what) =>
        new(ErrorCode.BadData, $"Tensor '{slice.Name}' in '{slice.File}' {what}.");
}
