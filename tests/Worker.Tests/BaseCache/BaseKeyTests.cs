using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;

namespace Orchestrator.Worker.Tests.BaseCache;

/// <summary>Another content, or another quantization of it, has another key.</summary>
public sealed class BaseKeyTests
{
    public static TheoryData<string> Facts => [.. Changes.Keys];

    private static readonly Dictionary<string, Action<TensorSlice, QuantizationSpec>> Changes = new(StringComparer.Ordinal)
    {
        ["path"] = (slice, _) => slice.File = "/models/b.safetensors",
        ["offset"] = (slice, _) => slice.Offset += 64,
        ["length"] = (slice, _) => slice.Length += 64,
        ["type"] = (slice, _) => slice.Dtype = DType.F16,
        ["shape"] = (slice, _) => (slice.Shape[0], slice.Shape[1]) = (slice.Shape[1], slice.Shape[0]),
        ["codes"] = (_, quantization) => quantization.Type = QuantizationType.Fp4,
        ["block"] = (_, quantization) => quantization.BlockSize = 128,
        ["scales"] = (_, quantization) => quantization.DoubleQuant = false,
    };

    [Theory]
    [MemberData(nameof(Facts))]
    public void Of_AnotherFact_IsAnotherKey(string fact)
    {
        var (slice, quantization) = (Slice(), Quantization());
        Changes[fact](slice, quantization);
        Assert.NotEqual(BaseKey.Of(Slice(), new FileVersion(1000, 5), Quantization()), BaseKey.Of(slice, new FileVersion(1000, 5), quantization));
    }

    [Fact]
    public void Of_AnotherVersionOfTheFile_IsAnotherKey()
    {
        var key = BaseKey.Of(Slice(), new FileVersion(1000, 5), Quantization());
        Assert.Equal(key, BaseKey.Of(Slice(), new FileVersion(1000, 5), Quantization()));
        Assert.NotEqual(key, BaseKey.Of(Slice(), new FileVersion(1001, 5), Quantization()));
        Assert.NotEqual(key, BaseKey.Of(Slice(), new FileVersion(1000, 6), Quantization()));
    }

    private static QuantizationSpec Quantization() => new() { Type = QuantizationType.Nf4, BlockSize = 64, DoubleQuant = true };

    private static TensorSlice Slice() => new() { Name = "w", File = "/models/a.safetensors", Offset = 128, Length = 256, Dtype = DType.Bf16, Shape = { 8, 16 }, Quantize = true };
}
