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
        var service = new SilentAtFirst();
        await using var server = await GrpcServer.StartAsync(service);
        var answered = new TaskCompletionSource<StepVote>(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Repeated = answered;
        await using var link = new GrpcPeerLink(
            new PeerIdentity("job", 1, 1), [1, 2, 3], [new Peer { Rank = 0, Address = server.Address.ToString() }], (_, failure) => answered.TrySetException(failure));
        link.Cast(0, new StepVote { Step = 4, Rank = 1 });
        Assert.Equal(4UL, (await answered.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).Step);
    }

    private sealed class SilentAtFirst : StepAgreement.StepAgreementBase
    {
        private int _calls;

        public TaskCompletionSource<StepVote>? Repeated { get; set; }

        public override async Task<VoteReceipt> Cast(StepVote request, ServerCallContext context)
        {
            if (Interlocked.Increment(ref _calls) == 1)
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            Repeated!.TrySetResult(request);
            return new VoteReceipt();
        }
    }
}
