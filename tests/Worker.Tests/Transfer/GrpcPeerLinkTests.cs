using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class GrpcPeerLinkTests
{
    /// <summary>A vote whose receipt does not come within its deadline, as when the receiver hangs for a moment.</summary>
    [Fact]
    public async Task Cast_WithoutAnAnswerInTime_IsRepeated()
    {
        var service = new SilentAtFirst(silent: 1);
        await using var server = await GrpcServer.StartAsync(service);
        var answered = new TaskCompletionSource<StepVote>(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Repeated = answered;
        await using var link = new GrpcPeerLink(
            new PeerIdentity("job", 1, 1), [1, 2, 3], [new Peer { Rank = 0, Address = server.Address.ToString() }], (_, failure) => answered.TrySetException(failure));
        link.Cast(0, new StepVote { Step = 4, Rank = 1 });
        Assert.Equal(4UL, (await answered.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).Step);
    }

    /// <summary>The connection takes the vote and delivers none of it: after its deadline it goes over another one.</summary>
    [Fact]
    public async Task Cast_OverAConnectionThatIsHalfOpen_GoesOverANewOne()
    {
        var answered = new TaskCompletionSource<StepVote>(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = new SilentAtFirst(silent: 0) { Repeated = answered };
        await using var server = await GrpcServer.StartAsync(service);
        await using var proxy = new HalfOpenProxy(server.Address.Port, (connection, _, _) => connection > 0);
        await using var link = new GrpcPeerLink(
            new PeerIdentity("job", 1, 1), [1, 2, 3], [new Peer { Rank = 0, Address = $"http://127.0.0.1:{proxy.Port}" }], (_, failure) => answered.TrySetException(failure));
        link.Cast(0, new StepVote { Step = 4, Rank = 1 });
        Assert.Equal(4UL, (await answered.Task.WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken)).Step);
    }

    private sealed class SilentAtFirst(int silent) : StepAgreement.StepAgreementBase
    {
        private int _calls;

        public TaskCompletionSource<StepVote>? Repeated { get; set; }

        public override async Task<VoteReceipt> Cast(StepVote request, ServerCallContext context)
        {
            if (Interlocked.Increment(ref _calls) <= silent)
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            Repeated!.TrySetResult(request);
            return new VoteReceipt();
        }
    }
}
