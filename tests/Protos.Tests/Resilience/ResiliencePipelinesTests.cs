using Grpc.Core;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Protos.Tests.Resilience;

public sealed class ResiliencePipelinesTests
{
    private static RpcPolicy Quick(int retries) => new("test/Call", RpcKind.Unary, TimeSpan.FromSeconds(5), retries, "key");

    [Fact]
    public async Task Execute_UnavailableThenThere_IsRepeated()
    {
        int calls = 0;
        int answer = await ResiliencePipelines.Build(Quick(3), TimeProvider.System).ExecuteAsync(
            _ => ++calls < 3 ? throw new RpcException(new Status(StatusCode.Unavailable, "not yet")) : ValueTask.FromResult(calls),
            TestContext.Current.CancellationToken);
        Assert.Equal(3, answer);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.Unauthenticated)]
    [InlineData(StatusCode.FailedPrecondition)]
    public async Task Execute_AnAnswerThatStays_IsNotRepeated(StatusCode code)
    {
        int calls = 0;
        await Assert.ThrowsAsync<RpcException>(async () => await ResiliencePipelines.Build(Quick(3), TimeProvider.System).ExecuteAsync(
            _ =>
            {
                calls++;
                throw new RpcException(new Status(code, "no"));
            },
            TestContext.Current.CancellationToken));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Execute_NoAnswerInTime_IsCancelledAndRepeated()
    {
        int calls = 0;
        RpcPolicy policy = Quick(1) with { Deadline = TimeSpan.FromMilliseconds(50) };
        await ResiliencePipelines.Build(policy, TimeProvider.System).ExecuteAsync(
            async ct =>
            {
                if (++calls == 1)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                }
            },
            TestContext.Current.CancellationToken);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void For_EveryRow_BuildsItsPipeline() => Assert.All(RpcPolicies.All, row => Assert.NotNull(ResiliencePipelines.For(row.Method)));
}
