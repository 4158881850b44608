using Orchestrator.Coordinator.Api;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Api;

public sealed class AttachRequestsTests
{
    private static readonly AccessTokens Tokens = new("join", "credential", "user");

    [Theory]
    [InlineData("join")]
    [InlineData("credential")]
    public void Read_GoodToken_IsAWorker(string token)
    {
        var (worker, failure) = AttachRequests.Read(Request(attach => attach.JoinToken = token), Tokens);
        Assert.Null(failure);
        Assert.Equal(("worker-0", 3UL), (worker!.Key.WorkerId, worker.Key.Incarnation));
    }

    [Theory]
    [InlineData("")]
    [InlineData("user")]
    [InlineData("joi")]
    public void Read_OtherToken_IsRefused(string token) =>
        Assert.Equal(ErrorCode.Unauthenticated, AttachRequests.Read(Request(attach => attach.JoinToken = token), Tokens).Failure!.Code);

    [Fact]
    public void Read_IncompleteRequests_AreRefusedWithASentence()
    {
        Assert.Equal(ErrorCode.BadData, AttachRequests.Read(null, Tokens).Failure!.Code);
        Assert.Equal(ErrorCode.BadData, AttachRequests.Read(new WorkerMessage { Heartbeat = new Heartbeat() }, Tokens).Failure!.Code);
        Assert.Equal(ErrorCode.BadData, AttachRequests.Read(Request(attach => attach.Worker.Incarnation = 0), Tokens).Failure!.Code);
        Assert.Equal(ErrorCode.BadData, AttachRequests.Read(Request(attach => attach.NumericClass = null), Tokens).Failure!.Code);
        Assert.Equal(ErrorCode.BadData, AttachRequests.Read(Request(attach => attach.PeerAddress = "file:///etc/passwd"), Tokens).Failure!.Code);
    }

    private static WorkerMessage Request(Action<AttachRequest> change)
    {
        var attach = new AttachRequest
        {
            Worker = new WorkerIdentity { WorkerId = "worker-0", Incarnation = 3 },
            JoinToken = "join",
            NumericClass = new NumericClass { Backend = "cpu" },
            PeerAddress = "http://127.0.0.1:4000",
        };
        change(attach);
        return new WorkerMessage { Attach = attach };
    }
}
