using Akka.Actor;
using Akka.Persistence;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Tests.Runs;

namespace Orchestrator.Coordinator.Tests.Clustering;

public sealed class JournalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Writer_ThatComesSecondWithASequenceNumber_Fails()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var node = await TestNode.StartAsync(new NodeFolders(_folder.Path), new FakeWorkers(0));
        var first = node.System.ActorOf(Props.Create(() => new Writer()));
        var second = node.System.ActorOf(Props.Create(() => new Writer()));
        // Both have replayed the empty journal before either writes: each believes that the next sequence number is 1.
        Assert.Equal("ready", await first.Ask<string>("ready", cancellation));
        Assert.Equal("ready", await second.Ask<string>("ready", cancellation));

        Assert.Equal("1", await first.Ask<string>("write", cancellation));
        var refused = await second.Ask<string>("write", cancellation);

        Assert.Matches("UNIQUE constraint failed: journal", refused);
    }

    private sealed class Writer : UntypedPersistentActor
    {
        private IActorRef _asker = ActorRefs.Nobody;

        public override string PersistenceId => "job-contended";

        protected override void OnRecover(object message)
        {
            // Nothing is replayed.
        }

        protected override void OnCommand(object message)
        {
            _asker = Sender;
            if (message is "ready")
            {
                _asker.Tell("ready");
                return;
            }

            Persist(new OwnershipTaken { Fence = 1 }, _ => _asker.Tell($"{LastSequenceNr}"));
        }

        protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) => _asker.Tell(cause.ToString());
    }
}
