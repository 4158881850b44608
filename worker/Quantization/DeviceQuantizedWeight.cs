using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Quantization;

/// <summary>A 4-bit weight on any device of libtorch, dequantized by plain tensor operations with the bits of the host's kernels.</summary>
/// <remarks>
/// Every operation is a lookup, one exactly rounded product or sum, or one rounding cast, so devices agree. Works in slabs of
/// whole nested blocks, so that the lookup's 64-bit indices stay small beside the weight.
/// </remarks>
internal sealed class DeviceQuantizedWeight : QuantizedWeight
{
    private const long SlabElements = 1 << 24;

    private readonly int _blockSize;
    private readonly torch.Tensor _codes;
    private readonly torch.Tensor _scales;
    private readonly torch.Tensor? _nested;
    private readonly float _offset;
    private readonly torch.Tensor _map;
    private readonly torch.Tensor? _nestedMap;

    /// <summary>Copies a matrix to a device and frees it.</summary>
    public DeviceQuantizedWeight(QuantizedMatrix matrix, torch.Device device)
    {
        using var scope = torch.NewDisposeScope();
        Shape = matrix.Shape;
        _blockSize = matrix.BlockSize;
        _offset = matrix.Scales.Offset;
        _codes = CopyCodes(matrix, device);
        _map = Copy(matrix.Book.Values, device);
        if (matrix.Scales.IsNested)
        {
            _scales = torch.tensor(matrix.Scales.Codes.ToArray(), torch.uint8).to(device).DetachFromDisposeScope();
            _nested = Copy(matrix.Scales.NestedValues, device);
            _nestedMap = Copy(DynamicMap.Values, device);
        }
        else
        {
            _scales = Copy(matrix.Scales.Values, device);
        }

        matrix.Dispose();
    }

    public override IReadOnlyList<long> Shape { get; }

    public override long ResidentBytes => _codes.numel() + (_scales.numel() * _scales.element_size()) + ((_nested?.numel() ?? 0) * 4);

    public override void DequantizeInto(torch.Tensor destination)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        if (!destination.shape.AsSpan().SequenceEqual([.. Shape]) || !destination.is_contiguous())
            throw new ArgumentException("the destination is not contiguous or has another shape", nameof(destination));
        var flat = destination.view(-1);
        var count = flat.numel();
        var slabBlocks = Math.Max(SlabElements / _blockSize / BlockScales.NestedBlock, 1) * BlockScales.NestedBlock;
        for (long block = 0; block * _blockSize < count; block += slabBlocks)
        {
            using var slabScope = torch.NewDisposeScope();
            var first = block * _blockSize;
            var length = Math.Min(slabBlocks * _blockSize, count - first);
            flat.narrow(0, first, length).copy_(Slab(block, first, length));
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        foreach (var tensor in (torch.Tensor?[])[_codes, _scales, _nested, _map, _nestedMap])
            tensor?.Dispose();
    }

    private torch.Tensor Slab(long block, long first, long length)
    {
        var codes = _codes.narrow(0, first / 2, (length + 1) / 2);
        var nibbles = torch.stack([codes.bitwise_right_shift(4), codes.bitwise_and(15)], 1).view(-1).narrow(0, 0, length);
        var values = _map.index_select(0, nibbles.to(torch.int64));
        var numBlocks = (length + _blockSize - 1) / _blockSize;
        var scales = Scales(block, numBlocks).unsqueeze(1).expand(numBlocks, _blockSize).reshape(-1).narrow(0, 0, length);
        return values.mul(scales);
    }

    private torch.Tensor Scales(long block, long numBlocks)
    {
        var scales = _scales.narrow(0, block, numBlocks);
        if (_nested is null)
            return scales;
        var numNested = (numBlocks + BlockScales.NestedBlock - 1) / BlockScales.NestedBlock;
        var nested = _nested.narrow(0, block / BlockScales.NestedBlock, numNested).unsqueeze(1).expand(numNested, BlockScales.NestedBlock).reshape(-1).narrow(0, 0, numBlocks);
        // Two operations, each rounded: never one fused multiply-add.
        return _nestedMap!.index_select(0, scales.to(torch.int64)).mul(nested).Plus(_offset);
    }

    private static unsafe torch.Tensor CopyCodes(QuantizedMatrix matrix, torch.Device device)
    {
        var host = torch.empty(matrix.CodeBytes, torch.uint8);
        Buffer.MemoryCopy(matrix.Codes, TensorMemory.Pointer(host), matrix.CodeBytes, matrix.CodeBytes);
        return host.to(device).DetachFromDisposeScope();
    }

    private static torch.Tensor Copy(ReadOnlySpan<float> values, torch.Device device) =>
        torch.tensor(values.ToArray(), torch.float32).to(device).DetachFromDisposeScope();
}
