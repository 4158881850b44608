using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Each rule of the format: a file that keeps it is read, one that breaks it is refused with file, tensor and rule.</summary>
public sealed class SafetensorsHeaderTests
{
    [Fact]
    public void Read_GoldenModel_GivesEveryTensorWithItsRange()
    {
        SafetensorsHeader header = SafetensorsHeader.Read(Fixtures.At("models", "llama3", "model.safetensors"));

        SafetensorsTensor embedding = header.Find("model.embed_tokens.weight")!;
        Assert.Equal((DType.Bf16, 8UL + 2064, 32_768UL), (embedding.DType, embedding.Offset, embedding.Length));
        Assert.Equal([256UL, 64UL], embedding.Shape);
        Assert.Equal("pt", header.Metadata["format"]);
        Assert.Equal(20, header.Tensors.Count);
        Assert.Equal((ulong)new FileInfo(header.File).Length, header.Tensors[^1].Offset + header.Tensors[^1].Length);
    }

    [Theory]
    [InlineData(SafetensorsFiles.Valid)]
    [InlineData(SafetensorsFiles.Valid + "      ")]
    [InlineData("""{"z":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[20],"data_offsets":[0,20]}}""")]
    [InlineData("""{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"c":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[4,20]}}""")]
    [InlineData("""{"f":{"dtype":"F4","shape":[40],"data_offsets":[0,20]}}""")]
    public void Parse_ValidHeader_IsRead(string header)
    {
        SafetensorsHeader parsed = Parse(SafetensorsFiles.Build(header));

        Assert.NotEmpty(parsed.Tensors);
    }

    [Theory]
    [InlineData("", "does not begin with '{'")]
    [InlineData("[]", "does not begin with '{'")]
    [InlineData(" " + SafetensorsFiles.Valid, "does not begin with '{'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}""", "not valid JSON")]
    [InlineData(SafetensorsFiles.Valid + "{}", "JSON|after")]
    [InlineData(SafetensorsFiles.Valid + "\0", "JSON")]
    [InlineData("""{"a":{"dtype":"U8","shape":[10],"data_offsets":[0,10]},"a":{"dtype":"U8","shape":[10],"data_offsets":[10,20]}}""", "tensor 'a'.*stands twice")]
    [InlineData("""{"\u0061":{"dtype":"U8","shape":[10],"data_offsets":[0,10]},"a":{"dtype":"U8","shape":[10],"data_offsets":[10,20]}}""", "tensor 'a'.*stands twice")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8","shape":[20],"data_offsets":[0,20]}}""", "tensor 'a'.*dtype stands twice")]
    [InlineData("""{"__metadata__":{"k":"v","k":"w"},"a":{"dtype":"U8","shape":[20],"data_offsets":[0,20]}}""", "'k' stands twice")]
    [InlineData("""{"__metadata__":{"k":1},"a":{"dtype":"U8","shape":[20],"data_offsets":[0,20]}}""", "'k' is not a string")]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"U8","shape":[20],"data_offsets":[0,20]}}""", "__metadata__ is not an object")]
    [InlineData("""{"a":{"dtype":"U8","shape":[19],"data_offsets":[1,20]}}""", "tensor 'a'.*does not start at 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[10],"data_offsets":[10,20]}}""", "tensor 'b'.*2 bytes before its range")]
    [InlineData("""{"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},"b":{"dtype":"U8","shape":[10],"data_offsets":[10,20]}}""", "tensor 'b'.*overlaps that of 'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[20],"data_offsets":[0,20]},"b":{"dtype":"U8","shape":[20],"data_offsets":[0,20]}}""", "tensor 'b'.*overlaps")]
    [InlineData("""{"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}""", "4 bytes at its end belong to no tensor")]
    [InlineData("""{}""", "20 bytes at its end belong to no tensor")]
    [InlineData("""{"a":{"dtype":"U8","shape":[21],"data_offsets":[0,21]}}""", "tensor 'a'.*ends at byte 21 of a buffer of 20")]
    [InlineData("""{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}""", "tensor 'a'.*ends at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}}""", "tensor 'a'.*\\[2, 3\\] of F32 does not fill its range of 20 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,20]}}""", "tensor 'a'.*overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,20]}}""", "tensor 'a'.*does not fill")]
    [InlineData("""{"a":{"dtype":"F4","shape":[39],"data_offsets":[0,20]}}""", "tensor 'a'.*does not fill")]
    [InlineData("""{"a":{"dtype":"F31","shape":[5],"data_offsets":[0,20]}}""", "tensor 'a'.*dtype 'F31' is unknown")]
    [InlineData("""{"a":{"dtype":7,"shape":[5],"data_offsets":[0,20]}}""", "tensor 'a'.*dtype is not a string")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-5],"data_offsets":[0,20]}}""", "tensor 'a'.*shape is not a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":[5.0],"data_offsets":[0,20]}}""", "tensor 'a'.*shape is not a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":5,"data_offsets":[0,20]}}""", "tensor 'a'.*shape is not a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":[5],"data_offsets":[20,0]}}""", "tensor 'a'.*begin <= end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[5],"data_offsets":[0,10,20]}}""", "tensor 'a'.*begin <= end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[5],"data_offsets":[0,18446744073709551616]}}""", "tensor 'a'.*data_offsets is not a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":[5]}}""", "tensor 'a'.*lacks data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,20]}}""", "tensor 'a'.*lacks shape")]
    [InlineData("""{"a":{"shape":[5],"data_offsets":[0,20]}}""", "tensor 'a'.*lacks dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20],"x":1}}""", "tensor 'a'.*'x' is none of")]
    [InlineData("""{"a":[]}""", "tensor 'a'.*not an object")]
    public void Parse_BrokenRule_IsRefusedByFileTensorAndRule(string header, string expected)
    {
        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => Parse(SafetensorsFiles.Build(header)));

        Assert.Matches(expected, refusal.Message);
        Assert.StartsWith("/m/model.safetensors is not a valid safetensors file: ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "it has 0 bytes")]
    [InlineData(7, "it has 7 bytes")]
    [InlineData(8, "truncated")]
    [InlineData(60, "truncated")]
    public void Parse_FileCutInHeader_IsRefused(int length, string expected)
    {
        byte[] file = SafetensorsFiles.Build(SafetensorsFiles.Valid)[..length];

        Assert.Contains(expected, Assert.Throws<InvalidInputException>(() => Parse(file)).Message, StringComparison.Ordinal);
    }

    /// <summary>Reading it would wait for whoever writes to it.</summary>
    [Fact]
    public void Read_PipeInAFilesPlace_IsRefusedAtOnce()
    {
        var folder = Directory.CreateTempSubdirectory("pipe-");
        try
        {
            string file = Path.Combine(folder.FullName, "model.safetensors");
            using (var made = System.Diagnostics.Process.Start("mkfifo", [file]))
            {
                made.WaitForExit();
            }

            Assert.Contains("it has 0 bytes", Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(file)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Parse_PointerOfGitLfs_IsRefusedAsOne()
    {
        byte[] file = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"u8.ToArray();

        Assert.Contains("git lfs pull", Assert.Throws<InvalidInputException>(() => Parse(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100_000_001UL, "100 MB")]
    [InlineData(ulong.MaxValue, "100 MB")]
    [InlineData(100_000_000UL, "truncated")]
    public void Parse_LyingHeaderLength_IsRefusedWithoutAllocatingIt(ulong claimed, string expected)
    {
        byte[] file = SafetensorsFiles.Build(SafetensorsFiles.Valid, claimedHeaderBytes: claimed);
        long before = GC.GetAllocatedBytesForCurrentThread();

        InvalidInputException refusal = Assert.Throws<InvalidInputException>(() => Parse(file));

        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    [Fact]
    public void Parse_FileCutInBuffer_NamesTheTensor()
    {
        byte[] file = SafetensorsFiles.Build(SafetensorsFiles.Valid)[..^1];

        Assert.Matches("tensor 'b'.*truncated", Assert.Throws<InvalidInputException>(() => Parse(file)).Message);
    }

    [Fact]
    public void Read_FolderOrAbsentFile_SaysSo()
    {
        Assert.Contains("it is a folder", Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(Fixtures.At("models"))).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(Fixtures.At("none.safetensors"))).Message, StringComparison.Ordinal);
    }

    private static SafetensorsHeader Parse(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return SafetensorsParser.Parse(stream, "/m/model.safetensors");
    }
}
