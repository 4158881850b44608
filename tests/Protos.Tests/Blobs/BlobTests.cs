using Google.Protobuf;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Protos.Tests.Blobs;

/// <summary>What is written is read back, whole or not at all.</summary>
public sealed class BlobTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_InParts_ReadsBackAligned()
    {
        var digest = Write();
        using var blob = BlobReader.Open(digest.Path, digest.Sha256);
        Assert.Equal((digest.Sha256, digest.Bytes), (blob.Sha256, blob.Bytes));
        Assert.Equal("test", blob.Header.Kind);
        Assert.Equal("1", blob.Header.Facts["a"]);
        Assert.Equal([1f, 2, 3, 4, 5, 6], blob.Values<float>("x", DType.F32));
        Assert.Equal([7L, 8], blob.Values<long>("y", DType.I64));
        Assert.Equal(0UL, blob.Tensor("empty").Length);
        Assert.All(["x", "y"], name => Assert.Equal(0, blob.Address(name) % BlobLayout.Alignment));
        using var stream = blob.OpenStream("y");
        Assert.Equal(16, stream.Length);
        Assert.Throws<BlobFormatException>(() => blob.Tensor("z"));
        Assert.Throws<BlobFormatException>(() => blob.Values<float>("y", DType.F32).Length);
        Assert.Equal(["t.blob"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }

    [Fact]
    public void CompleteByDigest_SameContent_HasTheSameName()
    {
        var names = Enumerable.Range(0, 2).Select(_ =>
        {
            using var writer = BlobWriter.Create(_folder, "k", [new("b", "2"), new("a", "1")], []);
            return writer.CompleteByDigest();
        }).ToList();
        Assert.Equal(names[0], names[1]);
        Assert.Equal($"{names[0].Sha256}.blob", Path.GetFileName(Assert.Single(Directory.GetFiles(_folder))));
    }

    [Fact]
    public void Dispose_BeforeTheEnd_LeavesNothing()
    {
        using (var writer = BlobWriter.Create(_folder, "k", [], [new BlobTensorSpec("x", DType.U8, 4)]))
        {
            writer.Write("x", [1, 2]);
            Assert.Throws<InvalidOperationException>(() => writer.Write("y", [1]));
            Assert.Throws<InvalidOperationException>(() => writer.Write("x", [1, 2, 3]));
            Assert.Throws<InvalidOperationException>(() => writer.Complete("t.blob"));
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Create_ImpossibleTensor_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => BlobWriter.Create(_folder, "k", [], [new BlobTensorSpec("", DType.U8, 4)]));
        Assert.Throws<ArgumentException>(() => BlobWriter.Create(_folder, "k", [], [new BlobTensorSpec("x", DType.U8, 4), new BlobTensorSpec("x", DType.U8, 4)]));
        Assert.Throws<ArgumentException>(() => BlobWriter.Create(_folder, "k", [], [new BlobTensorSpec("x", DType.F64, ulong.MaxValue, 2)]));
        Assert.Throws<ArgumentException>(() => BlobWriter.Create(_folder, "k", [], [new BlobTensorSpec("x", DType.Unspecified, 1)]));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void AtomicFile_FailedWrite_KeepsTheOldFile()
    {
        var path = Path.Combine(_folder, "f");
        AtomicFile.Write(path, stream => stream.WriteByte(1));
        Assert.Throws<InvalidDataException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(2);
            throw new InvalidDataException();
        }));
        Assert.Equal([1], File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("its digest is", "other")]
    [InlineData("its content does not match", "flip")]
    [InlineData("too few for a blob", "empty")]
    [InlineData("does not start with the mark", "magic")]
    [InlineData("its header claims", "header")]
    [InlineData("is not a protobuf message", "garbage")]
    [InlineData("lie outside the tensor area", "short")]
    [InlineData("its tensor area has", "long")]
    public void Open_DamagedFile_NamesTheRule(string rule, string damage)
    {
        var digest = Write();
        var content = File.ReadAllBytes(digest.Path);
        switch (damage)
        {
            case "flip": content[^40] ^= 1; break;
            case "empty": content = []; break;
            case "magic": content[0] = 0; break;
            case "header": content[12] = 1; break;
            case "garbage": content.AsSpan(16, 8).Fill(0xFF); break;
            case "short": content = [.. content[..^96], .. content[^32..]]; break;
            case "long": content = [.. content, .. new byte[64]]; break;
            default: break;
        }

        File.WriteAllBytes(digest.Path, content);
        var error = Assert.ThrowsAny<BlobFormatException>(() => BlobReader.Open(digest.Path, damage == "other" ? new string('0', 64) : null));
        Assert.Contains(rule, error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"Blob '{digest.Path}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("twice", "x", "the header names it twice")]
    [InlineData("overlap", "y", "it overlaps tensor 'x'")]
    [InlineData("offset", "y", "is not a multiple of 64")]
    [InlineData("outside", "y", "lie outside the tensor area")]
    [InlineData("wrap", "y", "lie outside the tensor area")]
    [InlineData("length", "y", "is not that of its shape [2] and element type I64")]
    [InlineData("shape", "y", "is not that of its shape")]
    [InlineData("dtype", "y", "the element type 99 is unknown")]
    [InlineData("rank", "y", "it has 9 dimensions, more than 8")]
    [InlineData("nameless", null, "a tensor without a name")]
    public void ParseHeader_Lie_NamesTensorAndRule(string lie, string? tensor, string rule)
    {
        var header = new BlobHeader
        {
            Tensors =
            {
                new BlobTensor { Name = "x", Dtype = DType.F32, Shape = { 20 }, Offset = 0, Length = 80 },
                new BlobTensor { Name = "y", Dtype = DType.I64, Shape = { 2 }, Offset = 128, Length = 16 },
            },
        };
        var y = header.Tensors[1];
        switch (lie)
        {
            case "twice": y.Name = "x"; break;
            case "overlap": y.Offset = 64; break;
            case "offset": y.Offset = 100; break;
            case "outside": y.Offset = 192; break;
            case "wrap": y.Offset = ulong.MaxValue - 63; break;
            case "length": y.Length = 17; break;
            case "shape": y.Shape.AddRange([ulong.MaxValue, ulong.MaxValue]); break;
            case "dtype": y.Dtype = (DType)99; break;
            case "rank": y.Shape.AddRange([1, 1, 1, 1, 1, 1, 1, 1]); break;
            default: y.Name = ""; break;
        }

        var content = header.ToByteArray();
        var fileBytes = BlobLayout.Align(16 + (ulong)content.Length) + 192 + 32;
        var error = Assert.Throws<BlobFormatException>(() => BlobLayout.ParseHeader(content, fileBytes, "f"));
        Assert.Equal(tensor, error.Tensor);
        Assert.Contains(rule, error.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MutatedFiles_OpensOrNamesTheRule()
    {
        var runs = int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_FUZZ_RUNS"), out var given) ? given : 2000;
        var seed = File.ReadAllBytes(Write().Path);
        var path = Path.Combine(_folder, "fuzz");
        for (var run = 0; run < runs; run++)
        {
            var random = new Random(run);
            var content = seed.ToArray();
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                content[random.Next(random.Next(2) == 0 ? content.Length : 100)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(path, random.Next(4) == 0 ? content[..random.Next(content.Length)] : content);
            try
            {
                // Without the digest, so that the header's own rules are what protects.
                using var blob = BlobReader.Open(path, verify: false);
                foreach (var tensor in blob.Header.Tensors)
                {
                    Assert.Equal((int)tensor.Length, blob.BytesOf(tensor.Name).ToArray().Length);
                }
            }
            catch (BlobFormatException)
            {
                continue;
            }
        }
    }

    private BlobDigest Write()
    {
        using var writer = BlobWriter.Create(
            _folder, "test", [new("a", "1")], [new BlobTensorSpec("x", DType.F32, 2, 3), new BlobTensorSpec("empty", DType.I8, 0, 5), new BlobTensorSpec("y", DType.I64, 2)]);
        var x = BlobLayout.AsBytes<float>([1, 2, 3, 4, 5, 6]);
        writer.Write("x", x[..5]);
        writer.Write("x", x[5..]);
        writer.Write("y", BlobLayout.AsBytes<long>([7, 8]));
        return writer.Complete("t.blob");
    }
}
