using System.Buffers;
using FsCheck.Xunit;
using Google.Protobuf;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class TensorFrameTests
{
    [Property]
    public void Write_AnyFrame_IsWhatTheGeneratedClassWrites(
        string? job, ulong generation, ulong step, uint sender, uint index, ulong offset, ulong total, byte[] payload)
    {
        var header = new FrameHeader(
            new TensorKey(Printable(job), generation, step, sender, TensorKind.ReducedGradient, index), DType.Bf16, offset, total, Crc32C.Of(payload));
        var message = new byte[TensorFrameWriter.Measure(header, payload.Length)];
        TensorFrameWriter.Write(header, payload, message);
        Assert.Equal(Generated(header, payload).ToByteArray(), message);
    }

    [Property]
    public void Read_WhatTheGeneratedClassWrote_IsTheSame(
        string? job, ulong generation, ulong step, uint sender, uint index, ulong offset, ulong total, byte[] payload)
    {
        var header = new FrameHeader(
            new TensorKey(Printable(job), generation, step, sender, TensorKind.Activation, index), DType.F32, offset, total, 77);
        var read = TensorFrameReader.Read(InParts(Generated(header, payload).ToByteArray()), "known", out var content);
        Assert.Equal(header, read);
        Assert.Equal(payload, content.ToArray());
    }

    // A short run of the fuzz harness: mutations of valid frames and raw noise.
    [Fact]
    public void Accept_MutatedFrames_ThrowsNothingElseAndTakesLittleMemory()
    {
        var random = new Random(20);
        var inbox = new TensorInbox();
        inbox.Open("job", 1, new TransferLimits(4096, 4096));
        for (var round = 0; round < 20_000; round++)
        {
            using var assembler = new FrameAssembler(inbox, "job", 1, 1);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var frame = 0; frame < 3; frame++)
            {
                try
                {
                    assembler.Accept(InParts(Mutated(random, round)));
                }
                catch (TensorFrameException)
                {
                    // The one way to refuse.
                }
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
            inbox.Forget("job", ulong.MaxValue);
        }
    }

    [Theory]
    [InlineData(0UL, 5000UL, "more than the job allows")]
    [InlineData(8UL, 16UL, "begins at byte 8")]
    public void Accept_AFalseFirstFrame_SaysWhy(ulong offset, ulong total, string why)
    {
        var inbox = new TensorInbox();
        inbox.Open("job", 1, new TransferLimits(4096, 4096));
        using var assembler = new FrameAssembler(inbox, "job", 1, 1);
        byte[] payload = [1, 2, 3, 4, 5, 6, 7, 8];
        var header = new FrameHeader(new TensorKey("job", 1, 1, 1, TensorKind.Activation, 0), DType.F32, offset, total, Crc32C.Of(payload));
        var error = Assert.Throws<TensorFrameException>(() => assembler.Accept(InParts(Generated(header, payload).ToByteArray())));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Accept_AFlippedBit_IsFoundByTheChecksum()
    {
        var inbox = new TensorInbox();
        inbox.Open("job", 1, new TransferLimits(4096, 4096));
        using var assembler = new FrameAssembler(inbox, "job", 1, 1);
        byte[] payload = [1, 2, 3, 4];
        var header = new FrameHeader(new TensorKey("job", 1, 1, 1, TensorKind.Activation, 0), DType.F32, 0, 4, Crc32C.Of(payload));
        payload[2] ^= 4;
        var error = Assert.Throws<CorruptFrameException>(() => assembler.Accept(InParts(Generated(header, payload).ToByteArray())));
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, inbox.CorruptFrames);
    }

    // Whatever the moment at which a generation ends, a tensor of it is stale or welcome: never one that "the job does not allow", which would fail its sender.
    [Fact]
    public async Task Accept_WhileTheGenerationEnds_IsNoFaultOfTheSender()
    {
        var inbox = new TensorInbox();
        byte[] payload = [1, 2, 3, 4];
        var header = new FrameHeader(new TensorKey("job", 1, 1, 1, TensorKind.Activation, 0), DType.F32, 0, 4, Crc32C.Of(payload));
        var frame = new ReadOnlySequence<byte>(Generated(header, payload).ToByteArray());
        using var ended = new CancellationTokenSource();
        var turning = Task.Run(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                inbox.Open("job", 1, new TransferLimits(4096, 4096));
                inbox.Close("job");
            }
        });
        for (var i = 0; i < 300_000; i++)
        {
            using var assembler = new FrameAssembler(inbox, "job", 1, 1);
            Assert.True(assembler.Accept(frame));
        }

        await ended.CancelAsync();
        await turning;
        inbox.Close("job");
    }

    private static byte[] Mutated(Random random, int round)
    {
        if (round % 5 == 0)
        {
            var noise = new byte[random.Next(80)];
            random.NextBytes(noise);
            return noise;
        }

        var payload = new byte[random.Next(64)];
        var header = new FrameHeader(
            new TensorKey("job", 1, (ulong)random.Next(3), 1, (TensorKind)random.Next(8), (uint)random.Next(2)),
            (DType)random.Next(12), (ulong)(random.Next(3) * 32), (ulong)random.NextInt64(random.Next(2) == 0 ? 128 : long.MaxValue), Crc32C.Of(payload));
        var message = Generated(header, payload).ToByteArray();
        for (var flips = random.Next(4); flips > 0; flips--)
            message[random.Next(message.Length)] = (byte)random.Next(256);
        return random.Next(6) == 0 ? message[..random.Next(message.Length)] : message;
    }

    private static TensorFrame Generated(FrameHeader header, byte[] payload) => new()
    {
        Job = header.Key.Job,
        Generation = header.Key.Generation,
        Step = header.Key.Step,
        Sender = header.Key.Sender,
        Index = header.Key.Index,
        Kind = header.Key.Kind,
        Dtype = header.DType,
        Offset = header.Offset,
        Total = header.Total,
        Crc = header.Crc,
        Payload = ByteString.CopyFrom(payload),
    };

    private static string Printable(string? text) => new([.. (text ?? "").Where(c => !char.IsSurrogate(c)).Take(60)]);

    // Messages arrive cut anywhere.
    private static ReadOnlySequence<byte> InParts(byte[] message)
    {
        if (message.Length < 2)
            return new ReadOnlySequence<byte>(message);
        var middle = message.Length / 2;
        var first = new Part(message.AsMemory(0, middle), 0);
        var last = new Part(message.AsMemory(middle), middle);
        first.Append(last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public void Append(Part next) => Next = next;
    }
}
