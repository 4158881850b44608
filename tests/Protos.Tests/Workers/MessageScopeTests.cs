using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Orchestrator.Protos.Tests.Workers;

/// <summary>Each message with a scope shows it: one that is forgotten would reach no job.</summary>
public sealed class MessageScopeTests
{
    private static readonly JobScope Scope = new() { Job = "job", Generation = 3, Fence = 5 };

    public static TheoryData<string> Reports => Scoped(WorkerMessage.Descriptor);

    public static TheoryData<string> Commands => Scoped(CoordinatorMessage.Descriptor);

    [Theory]
    [MemberData(nameof(Reports))]
    public void WorkerMessage_WithAScope_ShowsIt(string field) => Assert.Equal(Scope, Filled(new WorkerMessage(), field).JobScope);

    [Theory]
    [MemberData(nameof(Commands))]
    public void CoordinatorMessage_WithAScope_ShowsIt(string field) => Assert.Equal(Scope, Filled(new CoordinatorMessage(), field).JobScope);

    [Fact]
    public void MessagesOfTheStreamItself_HaveNone()
    {
        Assert.Null(new WorkerMessage { Heartbeat = new Heartbeat() }.JobScope);
        Assert.Null(new CoordinatorMessage { Accepted = new AttachAccepted() }.JobScope);
    }

    [Fact]
    public void WithFence_ChangesACopyAndOnlyUpwards()
    {
        var message = Filled(new WorkerMessage(), "step");
        var raised = message.WithFence(7);
        Assert.Equal((5UL, 7UL), (message.JobScope!.Fence, raised.JobScope!.Fence));
        Assert.Same(message, message.WithFence(5));
    }

    private static TheoryData<string> Scoped(MessageDescriptor message) =>
        [.. message.Oneofs.Single().Fields.Where(field => field.MessageType.FindFieldByName("scope") is not null).Select(field => field.Name)];

    private static T Filled<T>(T message, string name)
        where T : IMessage
    {
        var field = message.Descriptor.FindFieldByName(name);
        var body = field.MessageType.Parser.ParseFrom(ByteString.Empty);
        field.MessageType.FindFieldByName("scope").Accessor.SetValue(body, Scope.Clone());
        field.Accessor.SetValue(message, body);
        return message;
    }
}
