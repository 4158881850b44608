using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Shards of any size are read in parts; what their offsets say is checked.</summary>
public sealed class ShardTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void LabelCounts_MoreLabelsThanOneSpanHolds_AreCounted()
    {
        const int Samples = 540;
        const int Tokens = 1_000_000;
        using var labels = new Endless((long)Samples * Tokens * sizeof(int));
        Assert.True(labels.Length > int.MaxValue);
        var counts = ShardTensors.LabelCounts(labels, [.. Enumerable.Repeat(Tokens, Samples)]);
        Assert.Equal(Enumerable.Repeat(Tokens - 1, Samples), counts);
    }

    [Fact]
    public void LabelCounts_SamplesLongerThanAPart_SkipOnlyTheirFirstLabel()
    {
        const int Length = (1 << 16) + 3;
        var values = Enumerable.Repeat(TokensRow.NoLoss, Length + 2).ToArray();
        values[0] = 5;
        values[1 << 16] = 7;
        values[Length] = 9;
        values[Length + 1] = 9;
        using var labels = new MemoryStream(MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        Assert.Equal([1, 1], ShardTensors.LabelCounts(labels, [Length, 2]));
    }

    [Theory]
    [InlineData(new long[] { 0, 2, 1, 3 }, "they do not ascend")]
    [InlineData(new long[] { 1, 2, 3 }, "they do not go from 0 to the 3 labels")]
    [InlineData(new long[] { 0, 2 }, "they do not go from 0 to the 3 labels")]
    [InlineData(new long[] { 0, long.MaxValue }, "they do not ascend by a sample's tokens")]
    [InlineData(new long[0], "0 are no offsets")]
    public void Load_OffsetsThatLie_IsDamaged(long[] offsets, string sentence)
    {
        var error = Assert.Throws<BlobFormatException>(() => PreparedCache.Load(Shard(offsets), null));
        Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
    }

    private string Shard(long[] offsets)
    {
        using var writer = BlobWriter.Create(_folder.Path, TokenSpill.Kind, [],
        [
            new BlobTensorSpec("offsets", DType.I64, (ulong)offsets.Length),
            new BlobTensorSpec("input_ids", DType.I32, 3),
            new BlobTensorSpec("labels", DType.I32, 3),
        ]);
        writer.Write("offsets", MemoryMarshal.AsBytes(offsets.AsSpan()));
        writer.Write("input_ids", new byte[12]);
        writer.Write("labels", new byte[12]);
        return writer.CompleteByDigest().Path;
    }

    /// <summary>Zeros, which are labels, up to a length.</summary>
    private sealed class Endless(long length) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var read = (int)Math.Min(buffer.Length, length - Position);
            buffer[..read].Clear();
            Position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
