using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Slices that are not what they say, each refused with file and tensor.</summary>
public sealed class StageLoadTests
{
    private const string Tensor = "model.layers.1.mlp.up_proj.weight";

    [Theory]
    [InlineData("file", "cannot be read")]
    [InlineData("short", "is cut off")]
    [InlineData("length", "bytes where its shape needs")]
    [InlineData("shape", "where the model's configuration needs")]
    [InlineData("type", "weights are F32, BF16 or F16")]
    public void Load_OfABadSlice_NamesFileAndTensor(string what, string message)
    {
        var spec = GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Nf4);
        var slice = spec.Base.First(s => s.Name == Tensor);
        switch (what)
        {
            case "file":
                slice.File = Path.Combine(Path.GetTempPath(), "no-such-file.safetensors");
                break;
            case "short":
                slice.Offset = (ulong)new FileInfo(slice.File).Length - 10;
                break;
            case "length":
                slice.Length -= 2;
                break;
            case "shape":
                slice.Shape[0]++;
                break;
            default:
                slice.Dtype = DType.I64;
                break;
        }

        var failure = Assert.Throws<WorkerFaultException>(() => new LoadedStage(spec).Dispose());
        Assert.Equal(ErrorCode.BadData, failure.Code);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.Contains(Tensor, failure.Message, StringComparison.Ordinal);
        Assert.Contains(slice.File, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WithoutATensor_NamesIt()
    {
        var spec = GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen);
        spec.Base.Remove(spec.Base.First(s => s.Name == Tensor));
        Assert.Contains(Tensor, Assert.Throws<WorkerFaultException>(() => new LoadedStage(spec).Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OfAStage_ReadsItsOwnBytesOnly()
    {
        var folder = GoldenFiles.Model("tinyllama-linear");
        var specs = Enumerable.Range(0, 3).Select(layer => GoldenFiles.Stage(folder, Weights.Nf4Double, first: (uint)layer, last: (uint)layer)).ToArray();
        foreach (var spec in specs)
        {
            using var stage = new LoadedStage(spec);
            Assert.Equal(spec.Base.Aggregate(0UL, (sum, slice) => sum + slice.Length), stage.Model.Sources.Read);
        }
    }
}
