using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Quantization;

/// <summary>The absmax of each block of a quantized matrix, as fp32 or quantized once more to 8 bits.</summary>
/// <remarks>
/// Double quantization: offset = mean(absmax); absmax - offset goes to 8-bit codes of <see cref="DynamicMap"/> in blocks of 256; back: map[code] *
/// nested absmax rounded, + offset rounded, both in fp32. The mean is taken in fp64 over 64 interleaved lanes, lanes added in
/// index order, and rounded once to fp32, so that every machine agrees (the library's own sum depends on its vector width). Immutable; any thread may read.
/// </remarks>
internal sealed unsafe class BlockScales : IDisposable
{
    /// <summary>Blocks whose absmax values share one nested absmax.</summary>
    public const int NestedBlock = 256;

    private readonly NativeBuffer _values;
    private readonly NativeBuffer? _nested;

    private BlockScales(long count, NativeBuffer values, NativeBuffer? nested, float offset)
    {
        Count = count;
        _values = values;
        _nested = nested;
        Offset = offset;
    }

    /// <summary>Blocks.</summary>
    public long Count { get; }

    public bool IsNested => _nested is not null;

    /// <summary>Mean of the absmax values; 0 where they are not nested.</summary>
    public float Offset { get; }

    public long Bytes => _values.Length + (_nested?.Length ?? 0);

    /// <summary>fp32 absmax values where not nested.</summary>
    public ReadOnlySpan<float> Values => IsNested ? throw new InvalidOperationException("the scales are nested") : new(_values.Pointer, checked((int)Count));

    /// <summary>8-bit codes where nested.</summary>
    public ReadOnlySpan<byte> Codes => IsNested ? new(_values.Pointer, checked((int)Count)) : throw new InvalidOperationException("the scales are not nested");

    /// <summary>fp32 absmax of each 256 codes, where nested.</summary>
    public ReadOnlySpan<float> NestedValues => _nested is null ? throw new InvalidOperationException("the scales are not nested") : new(_nested.Pointer, (int)(_nested.Length / 4));

    /// <summary>The absmax of a block.</summary>
    public float this[long block]
    {
        get
        {
            if (_nested is null)
                return ((float*)_values.Pointer)[block];
            var product = DynamicMap.Values[_values.Pointer[block]] * ((float*)_nested.Pointer)[block / NestedBlock];
            return product + Offset;
        }
    }

    /// <summary>Keeps fp32 values as they are; takes the buffer over.</summary>
    public static BlockScales Plain(NativeBuffer absmax) => new(absmax.Length / 4, absmax, null, 0);

    /// <summary>Quantizes fp32 values; the buffer stays the caller's.</summary>
    public static BlockScales Nest(NativeBuffer absmax)
    {
        var source = (float*)absmax.Pointer;
        var count = absmax.Length / 4;
        var offset = Mean(source, count);
        var codes = new NativeBuffer(count, cleared: true);
        var nested = new NativeBuffer((count + NestedBlock - 1) / NestedBlock * 4, cleared: true);
        for (long first = 0; first < count; first += NestedBlock)
            ((float*)nested.Pointer)[first / NestedBlock] = NestBlock(source + first, (int)Math.Min(NestedBlock, count - first), offset, codes.Pointer + first);
        return new BlockScales(count, codes, nested, offset);
    }

    /// <summary>Puts together what <see cref="Nest"/> once made; takes the buffers over.</summary>
    public static BlockScales Restore(long count, NativeBuffer codes, NativeBuffer nested, float offset) => new(count, codes, nested, offset);

    public void Dispose()
    {
        _values.Dispose();
        _nested?.Dispose();
    }

    private static float NestBlock(float* source, int length, float offset, byte* codes)
    {
        var absmax = 0f;
        for (var i = 0; i < length; i++)
            absmax = MathF.Max(absmax, MathF.Abs(source[i] - offset));
        // A block that is all offset keeps code 0 with absmax 0.
        if (absmax == 0)
            return absmax;
        var inverse = 1f / absmax;
        for (var i = 0; i < length; i++)
        {
            var value = (source[i] - offset) * inverse;
            // 0 times the infinite inverse of a subnormal absmax is no number; the difference is 0.
            codes[i] = DynamicMap.Encode(float.IsNaN(value) ? 0f : Math.Clamp(value, -1f, 1f));
        }

        return absmax;
    }

    private static float Mean(float* values, long count)
    {
        Span<double> lanes = stackalloc double[64];
        lanes.Clear();
        for (long i = 0; i < count; i++)
            lanes[(int)(i & 63)] += values[i];
        var sum = 0.0;
        foreach (var lane in lanes)
            sum += lane;
        return (float)(sum / count);
    }
}
