using System.Runtime.InteropServices;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class FailureSentencesTests
{
#pragma warning disable CA2201 // They stand for what the runtime and libtorch throw.
    public static TheoryData<Exception, ErrorCode> Failures { get; } = new()
    {
        { new WorkerFaultException(ErrorCode.BadData, "The stage is wrong."), ErrorCode.BadData },
        { new PeerLostException("worker-2 (rank 2) is gone.", new IOException("reset")), ErrorCode.PeerUnreachable },
        { new RpcException(new Status(StatusCode.Unavailable, "connection refused")), ErrorCode.Internal },
        { new OutOfMemoryException(), ErrorCode.ResourceExhausted },
        { new ExternalException("CUDA out of memory. Tried to allocate 2 GiB\n  at c10::Error"), ErrorCode.ResourceExhausted },
        { new ExternalException("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), ErrorCode.ResourceExhausted },
        { new ExternalException("mat1 and mat2 shapes cannot be multiplied\n  at c10::Error"), ErrorCode.Internal },
        { new IOException("No space left on device : '/data/x'", 28), ErrorCode.ResourceExhausted },
        { new IOException("Disk quota exceeded", 122), ErrorCode.ResourceExhausted },
        { new FileNotFoundException("Could not find file '/data/x'"), ErrorCode.BadData },
        { new UnauthorizedAccessException("Access to the path '/data/x' is denied."), ErrorCode.BadData },
        { new BlobFormatException("/data/x", null, "it has 3 bytes, too few for a blob"), ErrorCode.BadData },
        { new InvalidOperationException("step 3 came where step 2 was due"), ErrorCode.Internal },
    };
#pragma warning restore CA2201

    [Theory]
    [MemberData(nameof(Failures))]
    public void Of_AnyException_IsItsCodeAndOneSentence(Exception exception, ErrorCode code)
    {
        var failure = FailureSentences.Of(exception);
        Assert.Equal(code, failure.Code);
        Assert.EndsWith(".", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
        Assert.DoesNotContain("c10::", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.Message.EndsWith("..", StringComparison.Ordinal));
        Assert.Equal(failure, FailureSentences.Of(new AggregateException(exception)));
    }

    [Fact]
    public void Of_AFault_KeepsItsSentence() =>
        Assert.Equal("Use less.", FailureSentences.Of(new WorkerFaultException(ErrorCode.ResourceExhausted, "Use less.")).Message);
}
