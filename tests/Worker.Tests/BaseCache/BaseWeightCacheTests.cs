using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Quantization;

namespace Orchestrator.Worker.Tests.BaseCache;

/// <summary>What comes out of the cache is what went in, or nothing; and it stays within its bounds.</summary>
public sealed unsafe class BaseWeightCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("base-cache-").FullName;

    private string Blobs => Path.Combine(_folder, "base");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(QuantizationType.Nf4, 64u, true, 37, 91)]
    [InlineData(QuantizationType.Nf4, 64u, false, 37, 91)]
    [InlineData(QuantizationType.Fp4, 32u, true, 300, 257)]
    [InlineData(QuantizationType.Nf4, 4096u, true, 1, 1)]
    public void Find_WhatWasKept_HasTheSameBits(QuantizationType type, uint block, bool nested, int rows, int columns)
    {
        var spec = new QuantizationSpec { Type = type, BlockSize = block, DoubleQuant = nested };
        using var matrix = Matrix(1, rows, columns, spec);
        Cache().Begin("first").Keep(Key(1), matrix);
        var again = Cache().Begin("second");
        using var found = again.Find(Key(1), Slice(rows, columns), spec);
        Assert.NotNull(found);
        AssertSame(matrix, found);
        Assert.Equal((ulong)matrix.Bytes, again.BytesCached);
    }

    [Fact]
    public void Find_WrittenByALoadThatBeganWithThisOne_IsLeftAlone()
    {
        using var matrix = Matrix(1);
        Cache().Begin("job/1/1").Keep(Key(1), matrix);
        Assert.Null(Find(Key(1), "job/1/1"));
        Assert.True(File.Exists(Cache().PathOf(Key(1))));
        AssertFound(Key(1), matrix);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("truncated")]
    [InlineData("empty")]
    [InlineData("another weight's")]
    [InlineData("another kind")]
    [InlineData("another shape")]
    public void Find_ABlobThatIsNotWhatItsNameSays_IsDeletedAndWrittenAgain(string what)
    {
        var path = Cache().PathOf(Key(1));
        using var matrix = Matrix(1);
        using var other = Matrix(2, 5, 64);
        Cache().Begin("first").Keep(Key(1), matrix);
        var bytes = File.ReadAllBytes(path);
        switch (what)
        {
            case "flipped":
                bytes[^(BlobLayout.DigestBytes + 200)] ^= 1;
                File.WriteAllBytes(path, bytes);
                break;
            case "truncated":
                File.WriteAllBytes(path, bytes[..^100]);
                break;
            case "empty":
                File.WriteAllBytes(path, []);
                break;
            case "another weight's":
                Cache().Begin("first").Keep(Key(2), other);
                File.Move(Cache().PathOf(Key(2)), path, overwrite: true);
                break;
            case "another kind":
                using (var writer = BlobWriter.Create(Blobs, "shard", [new("key", Key(1).Hex)], []))
                    writer.CompleteForThisBoot(Path.GetFileName(path));
                break;
            default:
                File.Delete(path);
                Cache().Begin("first").Keep(Key(1), other);
                break;
        }

        Assert.Null(Find(Key(1), "second"));
        Assert.False(File.Exists(path));
        Cache().Begin("second").Keep(Key(1), matrix);
        AssertFound(Key(1), matrix);
    }

    /// <summary>The limit has room for three of them.</summary>
    [Fact]
    public void Keep_OverTheLimit_DeletesWhatWasUsedTheLongestAgo()
    {
        using var matrix = Matrix(1);
        var cache = Cache(3);
        for (var i = 1; i <= 3; i++)
        {
            cache.Begin("first").Keep(Key(i), matrix);
            Age(Key(i), TimeSpan.FromHours(10 - i));
        }

        // The oldest is used once more.
        AssertFound(Key(1), matrix);
        cache.Begin("second").Keep(Key(4), matrix);
        Assert.Equal([1, 3, 4], Kept(4));
    }

    [Fact]
    public void Keep_AStageGreaterThanTheLimit_IsKeptInPartAndFoundAgain()
    {
        using var matrix = Matrix(1);
        var load = Cache(3).Begin("first");
        for (var i = 1; i <= 5; i++)
            load.Keep(Key(i), matrix);
        Assert.Null(load.Trouble);
        Assert.Equal([1, 2, 3], Kept(5));
    }

    [Fact]
    public void Keep_OnADiskThatIsNearlyFull_LeavesItsRestToOthers()
    {
        using var matrix = Matrix(1);
        var load = new BaseWeightCache(_folder, leastFreeBytes: 1L << 60).Begin("first");
        load.Keep(Key(1), matrix);
        Assert.Null(load.Trouble);
        Assert.Empty(Kept(1));
    }

    [Fact]
    public void Keep_WhereNoFolderCanBe_SaysWhyAndGoesOn()
    {
        using var matrix = Matrix(1);
        File.WriteAllText(Blobs, "a file");
        var load = Cache().Begin("first");
        load.Keep(Key(1), matrix);
        Assert.NotNull(load.Trouble);
        Assert.Null(load.Find(Key(1), Slice(), Nested));
        Assert.Equal("a file", File.ReadAllText(Blobs));
    }

    [Fact]
    public void Keep_ByTwoWritersAtOnce_LeavesWholeBlobsAlone()
    {
        using var matrix = Matrix(1);
        Parallel.For(0, 8, writer =>
        {
            var load = Cache().Begin("first");
            for (var i = 1; i <= 20; i++)
                load.Keep(Key(i), matrix);
            Assert.Null(load.Trouble);
        });
        Assert.Equal(20, Directory.GetFiles(Blobs, "*", new EnumerationOptions { AttributesToSkip = FileAttributes.None }).Length);
        for (var i = 1; i <= 20; i++)
            AssertFound(Key(i), matrix);
    }

    [Fact]
    public void Cache_WithWhatAKilledWriterLeft_DeletesItAfterADay()
    {
        Directory.CreateDirectory(Blobs);
        string old = Path.Combine(Blobs, ".old.tmp"), young = Path.Combine(Blobs, ".young.tmp");
        File.WriteAllText(old, "");
        File.WriteAllText(young, "");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow - TimeSpan.FromDays(2));
        Cache();
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
    }

    private static QuantizationSpec Nested => new() { Type = QuantizationType.Nf4, BlockSize = 64, DoubleQuant = true };

    // Room for a number of the small matrices' blobs, and not for one more.
    private BaseWeightCache Cache(int matrices)
    {
        using var matrix = Matrix(1);
        using var other = new BlobProbe(matrix);
        return new BaseWeightCache(_folder, (other.Bytes * (ulong)matrices) + (other.Bytes / 2));
    }

    private BaseWeightCache Cache() => new(_folder);

    private static BaseKey Key(int number) => new(new string((char)('a' + (number % 6)), 62) + number.ToString("00", System.Globalization.CultureInfo.InvariantCulture));

    private static TensorSlice Slice(int rows = 64, int columns = 256) => new() { Name = "w", Shape = { (ulong)rows, (ulong)columns } };

    private static QuantizedMatrix Matrix(int seed, int rows = 64, int columns = 256, QuantizationSpec? spec = null)
    {
        var random = new Random(seed);
        var values = Enumerable.Range(0, rows * columns).Select(_ => (float)(random.NextDouble() - 0.5) * 0.04f).ToArray();
        return QuantizedMatrix.Quantize(MemoryMarshal.AsBytes<float>(values), DType.F32, [rows, columns], spec ?? Nested, "w");
    }

    private QuantizedMatrix? Find(BaseKey key, string origin) => Cache().Begin(origin).Find(key, Slice(), Nested);

    private void AssertFound(BaseKey key, QuantizedMatrix expected)
    {
        using var found = Find(key, "a later load");
        Assert.NotNull(found);
        AssertSame(expected, found);
    }

    private static void AssertSame(QuantizedMatrix expected, QuantizedMatrix actual)
    {
        Assert.True(new ReadOnlySpan<byte>(expected.Codes, (int)expected.CodeBytes).SequenceEqual(new ReadOnlySpan<byte>(actual.Codes, (int)actual.CodeBytes)));
        Assert.Equal(expected.Scales.Count, actual.Scales.Count);
        Assert.Equal(BitConverter.SingleToInt32Bits(expected.Scales.Offset), BitConverter.SingleToInt32Bits(actual.Scales.Offset));
        for (var block = 0L; block < expected.Scales.Count; block++)
            Assert.Equal(BitConverter.SingleToInt32Bits(expected.Scales[block]), BitConverter.SingleToInt32Bits(actual.Scales[block]));
        Assert.Equal((expected.Name, expected.Bytes, expected.Spec), (actual.Name, actual.Bytes, actual.Spec));
        Assert.Equal(expected.Shape, actual.Shape);
    }

    private void Age(BaseKey key, TimeSpan age) => File.SetLastWriteTimeUtc(Cache().PathOf(key), DateTime.UtcNow - age);

    private IEnumerable<int> Kept(int of) => Enumerable.Range(1, of).Where(i => File.Exists(Cache().PathOf(Key(i))));

    /// <summary>What a matrix takes on disk.</summary>
    private sealed class BlobProbe : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("base-probe-").FullName;

        public BlobProbe(QuantizedMatrix matrix)
        {
            var cache = new BaseWeightCache(_folder);
            cache.Begin("first").Keep(Key(1), matrix);
            Bytes = (ulong)new FileInfo(cache.PathOf(Key(1))).Length;
        }

        public ulong Bytes { get; }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
