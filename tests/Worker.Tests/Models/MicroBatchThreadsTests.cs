using Orchestrator.Protos;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Who has a thread a micro-batch is a function of the whole model: any stage of it must decide alike.</summary>
public sealed class MicroBatchThreadsTests
{
    /// <summary>A device that is no CPU runs one micro-batch at a time, however small the model.</summary>
    [Fact]
    public void Of_OfASmallModelOnAnotherDevice_AllThreads()
    {
        var model = new ModelSpec { NumLayers = 1, HiddenSize = 64, IntermediateSize = 64, NumAttentionHeads = 1, NumKeyValueHeads = 1, HeadDim = 64 };
        Assert.True(MicroBatchThreads.IsSmall(model, torch.ScalarType.Float32, torch.CPU));
        Assert.False(MicroBatchThreads.IsSmall(model, torch.ScalarType.Float32, torch.META));
    }

    /// <summary>[1024, 1024] four times and [1024, 1024] three times are 7 M weights a layer.</summary>
    [Theory]
    [InlineData(1, 1024, torch.ScalarType.BFloat16, true)]
    [InlineData(1, 1025, torch.ScalarType.BFloat16, false)]
    [InlineData(2, 0, torch.ScalarType.BFloat16, false)]
    [InlineData(1, 0, torch.ScalarType.Float32, false)]
    public void Of_Sizes_OneThreadUpToSixteenMebibytes(uint layers, uint vocabulary, torch.ScalarType dtype, bool one)
    {
        var model = new ModelSpec { VocabSize = vocabulary, NumLayers = layers, HiddenSize = 1024, IntermediateSize = 1024, NumAttentionHeads = 16, NumKeyValueHeads = 16, HeadDim = 64 };
        Assert.Equal(one ? 1 : NumericEnvironment.Threads, MicroBatchThreads.Of(model, dtype, torch.CPU));
        Assert.Equal(7L * 1024 * 1024 * (dtype == torch.ScalarType.Float32 ? 4 : 2), MicroBatchThreads.BytesOfLayer(model, dtype));
    }
}
