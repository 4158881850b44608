using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Written files are those of the reference library, byte for byte.</summary>
public sealed class SafetensorsWriterTests
{
    [Theory]
    [InlineData("models/llama3/model.safetensors")]
    [InlineData("models/llama3/expected.safetensors")]
    [InlineData("adapters/llama3-patterns/expected.safetensors")]
    public void Write_TensorsOfAGoldenFile_GivesItsBytes(string file)
    {
        byte[] golden = File.ReadAllBytes(Fixtures.At(file.Split('/')));
        SafetensorsHeader header = SafetensorsHeader.Read(Fixtures.At(file.Split('/')));
        using var written = new MemoryStream();

        SafetensorsWriter.Write(written, header.Metadata, header.Tensors.Reverse().Select(tensor => new SafetensorsSource(
            tensor.Name, tensor.DType, tensor.Shape, stream => stream.Write(golden, (int)tensor.Offset, (int)tensor.Length))));

        Assert.Equal(golden, written.ToArray());
    }

    [Fact]
    public void Write_SourceOfAnotherLength_Throws()
    {
        var source = new SafetensorsSource("a", DType.F32, [2], stream => stream.WriteByte(0));

        Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(new MemoryStream(), new Dictionary<string, string>(), [source]));
    }
}
