using Orchestrator.Protos;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class AttachTokenTests
{
    [Fact]
    public void Current_AfterTheFirstAttach_IsTheNewestCredential()
    {
        var token = new AttachToken("join");
        Assert.Equal("join", token.Current);
        token.Accepted("first");
        Assert.Equal("first", token.Current);
        token.Accepted("second");
        Assert.Equal("second", token.Current);
    }

    [Fact]
    public void Refused_WithACredentialThatIsUnknown_ShowsTheJoinTokenOnce()
    {
        var token = new AttachToken("join");
        token.Accepted("credential");
        Assert.True(token.Refused(ErrorCode.Unauthenticated));
        Assert.Equal("join", token.Current);
        Assert.False(token.Refused(ErrorCode.Unauthenticated));
    }

    [Fact]
    public void Refused_ForAnotherReason_IsFinal()
    {
        var token = new AttachToken("join");
        token.Accepted("credential");
        Assert.False(token.Refused(ErrorCode.StaleIncarnation));
        Assert.Equal("credential", token.Current);
    }
}
