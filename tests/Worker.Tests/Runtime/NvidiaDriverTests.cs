using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Runtime;

public sealed class NvidiaDriverTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("nvidia-").FullName;

    public NvidiaDriverTests()
    {
        Write("0000:41:00.0", "A100", "GPU-11aa");
        Write("0000:05:00.0", "T4", "GPU-22bb");
        Write("0000:81:00.0", "H100", "GPU-33cc");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Models_OfSeveralCards_AreInBusOrder() => Assert.Equal(["T4", "A100", "H100"], NvidiaDriver.Models(_root));

    [Theory]
    [InlineData(0, null, "T4")]
    [InlineData(2, null, "H100")]
    [InlineData(3, null, null)]
    [InlineData(0, "2,0", "H100")]
    [InlineData(1, "2, 0", "T4")]
    [InlineData(2, "2,0", null)]
    [InlineData(0, "GPU-11", "A100")]
    [InlineData(0, "gpu-33cc,1", "H100")]
    [InlineData(0, "7", null)]
    [InlineData(0, "-1", null)]
    [InlineData(0, "", null)]
    public void ModelName_OfACard_IsOfTheOneThatTheProcessSees(int index, string? visible, string? model) => Assert.Equal(model, NvidiaDriver.ModelName(index, _root, visible));

    [Fact]
    public void ModelName_WithoutDriver_IsNull() => Assert.Null(NvidiaDriver.ModelName(0, Path.Combine(_root, "none"), null));

    private void Write(string bus, string model, string uuid)
    {
        var card = Directory.CreateDirectory(Path.Combine(_root, "gpus", bus)).FullName;
        File.WriteAllText(Path.Combine(card, "information"), $"Model: \t\t {model}\nIRQ:   \t\t 90\nGPU UUID: \t {uuid}\n");
    }
}
