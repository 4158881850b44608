using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Quantization;

/// <summary>A frozen weight in 4 bits: codes and block scales in native memory, independent of any tensor library.</summary>
/// <remarks>
/// The matrix is flattened row-major and cut into blocks over row ends; the last block may be short. Definition: bitsandbytes'
/// CPU path bit for bit, on every instruction path and thread count. Immutable; any thread may dequantize, and a matrix must not
/// be disposed while one does.
/// </remarks>
internal sealed unsafe class QuantizedMatrix : IDisposable
{
    // Below this many elements a thread's part is not worth waking the thread.
    private const long LeastElementsPerThread = 1 << 17;

    private readonly NativeBuffer _codes;

    private QuantizedMatrix(string name, IReadOnlyList<long> shape, QuantizationSpec spec, NativeBuffer codes, BlockScales scales)
    {
        Name = name;
        Shape = shape;
        Spec = spec;
        NumElements = Product(shape);
        _codes = codes;
        Scales = scales;
        Book = CodeBook.Of(spec.Type);
    }

    public string Name { get; }

    public IReadOnlyList<long> Shape { get; }

    public QuantizationSpec Spec { get; }

    public CodeBook Book { get; }

    public long NumElements { get; }

    public BlockScales Scales { get; }

    public int BlockSize => (int)Spec.BlockSize;

    /// <summary>Resident bytes: codes and scales.</summary>
    public long Bytes => _codes.Length + Scales.Bytes;

    /// <summary>Packed codes, (n + 1) / 2 bytes, the even element in the high nibble.</summary>
    public byte* Codes => _codes.Pointer;

    /// <summary>Length of <see cref="Codes"/>.</summary>
    public long CodeBytes => _codes.Length;

    /// <summary>Quantizes little-endian F32, BF16 or F16 elements, row-major.</summary>
    /// <param name="source">The elements' bytes.</param>
    /// <param name="type">Their type.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="spec">NF4 or FP4, block size 32 to 4096 (a power of two), double quantization or not.</param>
    /// <param name="name">The tensor's name, for messages.</param>
    /// <exception cref="WorkerFaultException">A value is not finite, or the description is wrong.</exception>
    public static QuantizedMatrix Quantize(ReadOnlySpan<byte> source, DType type, IReadOnlyList<long> shape, QuantizationSpec spec, string name)
    {
        fixed (byte* pointer = source)
            return Quantize(pointer, source.Length, type, shape, spec, name);
    }

    /// <inheritdoc cref="Quantize(ReadOnlySpan{byte}, DType, IReadOnlyList{long}, QuantizationSpec, string)"/>
    public static QuantizedMatrix Quantize(byte* source, long sourceBytes, DType type, IReadOnlyList<long> shape, QuantizationSpec spec, string name)
    {
        Check(sourceBytes, type, shape, spec, name);
        var count = Product(shape);
        int block = (int)spec.BlockSize, size = Widening.ElementSize(type);
        var numBlocks = (count + block - 1) / block;
        var book = CodeBook.Of(spec.Type);
        var codes = new NativeBuffer((count + 1) / 2, cleared: true);
        var absmax = new NativeBuffer(numBlocks * 4, cleared: true);
        var bad = long.MaxValue;
        KernelParallel.For(numBlocks, LeastElementsPerThread / block, (from, to) =>
        {
            var values = stackalloc float[block];
            for (var b = from; b < to; b++)
            {
                var length = (int)Math.Min(block, count - (b * block));
                Widening.ToSingle(new ReadOnlySpan<byte>(source + (b * block * size), length * size), type, new Span<float>(values, length));
                var target = codes.Pointer + (b * block / 2);
                var scale = length == block ? FourBitQuantization.FullBlock(values, block, book, target) : FourBitQuantization.ShortBlock(values, length, book, target);
                ((float*)absmax.Pointer)[b] = scale;
                if (!float.IsFinite(scale))
                    InterlockedMin(ref bad, b);
            }
        });
        try
        {
            if (bad != long.MaxValue)
                throw NotFinite(source, type, bad * block, shape, name);
            if (!spec.DoubleQuant)
                return new QuantizedMatrix(name, shape, spec, codes, BlockScales.Plain(absmax));
            var scales = BlockScales.Nest(absmax);
            absmax.Dispose();
            return new QuantizedMatrix(name, shape, spec, codes, scales);
        }
        catch
        {
            codes.Dispose();
            absmax.Dispose();
            throw;
        }
    }

    /// <summary>Puts together what <see cref="Quantize(ReadOnlySpan{byte}, DType, IReadOnlyList{long}, QuantizationSpec, string)"/> once made; takes codes and scales over.</summary>
    public static QuantizedMatrix Restore(string name, IReadOnlyList<long> shape, QuantizationSpec spec, NativeBuffer codes, BlockScales scales) =>
        new(name, shape, spec, codes, scales);

    /// <summary>Writes all elements, row-major, as F32, BF16 or F16.</summary>
    /// <param name="destination">Room for <see cref="NumElements"/> elements; any alignment.</param>
    /// <param name="type">F32, BF16 or F16.</param>
    public void Dequantize(void* destination, DType type)
    {
        int block = BlockSize, size = Widening.ElementSize(type);
        var path = NumericEnvironment.Path;
        KernelParallel.For(Scales.Count, LeastElementsPerThread / block, (from, to) =>
        {
            for (var b = from; b < to; b++)
            {
                var first = b * block;
                var length = (int)Math.Min(block, NumElements - first);
                FourBitDequantization.Block(path, Codes + (first / 2), length, Scales[b], Book, type, (byte*)destination + (first * size));
            }
        });
    }

    public void Dispose()
    {
        _codes.Dispose();
        Scales.Dispose();
    }

    private static void Check(long sourceBytes, DType type, IReadOnlyList<long> shape, QuantizationSpec spec, string name)
    {
        if (!Widening.IsSupported(type))
            throw new WorkerFaultException(ErrorCode.BadData, $"Tensor '{name}' has type {type}: only F32, BF16 and F16 weights are quantized.");
        if (spec.BlockSize is < 32 or > 4096 || (spec.BlockSize & (spec.BlockSize - 1)) != 0)
            throw new WorkerFaultException(ErrorCode.BadData, $"quantization.block_size {spec.BlockSize} is not a power of two from 32 to 4096.");
        var count = Product(shape);
        if (count == 0 || sourceBytes != count * Widening.ElementSize(type))
            throw new WorkerFaultException(ErrorCode.BadData, $"Tensor '{name}' has {sourceBytes} bytes, its shape [{string.Join(", ", shape)}] and type {type} need {count * Widening.ElementSize(type)}.");
    }

    private static long Product(IReadOnlyList<long> shape) => shape.Aggregate(1L, (product, n) => checked(product * n));

    private static void InterlockedMin(ref long target, long value)
    {
        for (var seen = Volatile.Read(ref target); value < seen;)
        {
            var before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }

    private static WorkerFaultException NotFinite(byte* source, DType type, long first, IReadOnlyList<long> shape, string name)
    {
        var value = 0f;
        for (var size = Widening.ElementSize(type); ; first++)
        {
            Widening.ToSingle(new ReadOnlySpan<byte>(source + (first * size), size), type, new Span<float>(ref value));
            if (!float.IsFinite(value))
                break;
        }

        var columns = shape[^1];
        return new WorkerFaultException(
            ErrorCode.BadData,
            $"Tensor '{name}' holds {value} at row {first / columns}, column {first % columns}, which 4 bits cannot hold: repair the model, or name the module in quantization.skip_modules.");
    }
}
