using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;

namespace Orchestrator.Worker.Tests.Architecture;

/// <summary>Every remote call goes through a resilience pipeline, and every pipeline is made of the table of RPC policies.</summary>
/// <remarks>That it is the pipeline of its own RPC is not proven here.</remarks>
public sealed class ResilienceTests
{
    [Theory]
    [InlineData("orchestrator-worker.dll", "WorkerAttachmentClient.Attach", "DataShardsClient.Fetch", "StepAgreementClient.CastAsync", "StepAgreementClient.AnnounceAsync", "BaseWeightsClient.Fetch", "CallInvoker.AsyncDuplexStreamingCall")]
    [InlineData("orchestrator.dll", "JobsClient.SubmitAsync", "JobsClient.Watch", "JobsClient.CancelAsync")]
    public void RemoteCalls_OfTheProduct_RunInsideAPipeline(string assembly, params string[] known)
    {
        using var calls = new RemoteCalls(Path.Combine(AppContext.BaseDirectory, assembly));
        var all = calls.All().Select(call => $"{call.Called.DeclaringType.Name}.{call.Called.Name}").ToHashSet(StringComparer.Ordinal);
        Assert.Superset(known.ToHashSet(StringComparer.Ordinal), all);
        Assert.Empty(calls.Unprotected());
        Assert.Empty(calls.PipelinesOfTheirOwn());
    }

    /// <summary>The test of the test: of the calls below those outside of a pipeline are named, and no other.</summary>
    [Fact]
    public void RemoteCalls_OutsideOfAPipeline_AreNamed()
    {
        using var calls = new RemoteCalls(typeof(ResilienceTests).Assembly.Location, type => type.FullName == typeof(ResilienceTests).FullName);
        Assert.Equal(
            [nameof(Calls.AroundThePipelineAsync), nameof(Calls.BesideAsync), nameof(Calls.DirectAsync)],
            calls.Unprotected().Select(call => call.Split(' ')[0].Split('.')[^1]).Order(StringComparer.Ordinal));
        Assert.Equal(6, calls.All().Count());
    }

#pragma warning disable CA1812, CA1823, IDE0051 // Read as code, never run.
    private sealed class Calls(Jobs.JobsClient client)
    {
        private const string Get = "orchestrator.v1.Jobs/Get";

        // Inside: as a lambda, by way of another method, by way of one that takes delegates.
        public async Task InsideAsync(JobRequest request) =>
            await ResiliencePipelines.For(Get).ExecuteAsync(async ct => await client.GetAsync(request, cancellationToken: ct));

        public async Task ByAnotherMethodAsync(JobRequest request) => await ResiliencePipelines.For(Get).ExecuteAsync(async ct => await OnceAsync(request, ct));

        public Task ByADelegateAsync(JobRequest request) => RunAsync(async ct => await client.GetAsync(request, cancellationToken: ct));

        public async Task DirectAsync(JobRequest request) => await client.GetAsync(request);

        public async Task BesideAsync(JobRequest request)
        {
            await ResiliencePipelines.For(Get).ExecuteAsync(async ct => await OnceAsync(request, ct));
            await client.GetAsync(request);
        }

        public async Task AroundThePipelineAsync(CallInvoker invoker, Method<JobRequest, JobStatus> method, JobRequest request) =>
            await invoker.AsyncUnaryCall(method, null, default, request);

        private async Task OnceAsync(JobRequest request, CancellationToken cancellationToken) => await client.GetAsync(request, cancellationToken: cancellationToken);

        private static async Task RunAsync(Func<CancellationToken, Task> call) => await ResiliencePipelines.For(Get).ExecuteAsync(async ct => await call(ct));
    }
#pragma warning restore CA1812, CA1823, IDE0051
}
