using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;
using Polly;
using JobsApi = Orchestrator.Protos.Jobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>A client of the job service: every call inside its RPC's resilience pipeline.</summary>
internal sealed class JobsConnection(Uri server, string token) : IDisposable
{
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { MaxReceiveMessageSize = 64 * 1024 * 1024 });
    private readonly Metadata _headers = new() { { "authorization", $"Bearer {token}" } };

    private JobsApi.JobsClient Client => field ??= new JobsApi.JobsClient(_channel);

    public async Task<SubmitJobReply> SubmitAsync(SubmitJobRequest request, CancellationToken cancellationToken) =>
        await For(nameof(JobsApi.JobsClient.Submit)).ExecuteAsync(async ct => await Client.SubmitAsync(request, _headers, cancellationToken: ct), cancellationToken);

    public async Task<JobStatus> CancelAsync(string job, CancellationToken cancellationToken) =>
        await For(nameof(JobsApi.JobsClient.Cancel)).ExecuteAsync(async ct => await Client.CancelAsync(new JobRequest { Job = job }, _headers, cancellationToken: ct), cancellationToken);

    /// <summary>The job's state now and after each change until it has ended; a broken stream is opened again.</summary>
    public async IAsyncEnumerable<JobStatus> WatchAsync(string job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            using var call = await OpenAsync(job, cancellationToken);
            JobStatus? status = call.ResponseStream.Current;
            while (status is not null)
            {
                yield return status;
                if (JobStates.HasEnded(status.State)) yield break;
                status = await NextAsync(call, cancellationToken);
            }
        }
    }

    public void Dispose() => _channel.Dispose();

    /// <summary>Opens a stream and waits for its first state.</summary>
    private async Task<AsyncServerStreamingCall<JobStatus>> OpenAsync(string job, CancellationToken cancellationToken) =>
        await For(nameof(JobsApi.JobsClient.Watch)).ExecuteAsync(
            async ct =>
            {
                var call = Client.Watch(new JobRequest { Job = job }, _headers, cancellationToken: cancellationToken);
                try
                {
                    if (await call.ResponseStream.MoveNext(ct)) return call;
                }
                catch
                {
                    call.Dispose();
                    throw;
                }

                call.Dispose();
                throw new RpcException(new Status(StatusCode.Unavailable, "The stream ended before its first state."));
            },
            cancellationToken);

    /// <summary>The next state; null when the stream broke.</summary>
    private static async Task<JobStatus?> NextAsync(AsyncServerStreamingCall<JobStatus> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.ResponseStream.MoveNext(cancellationToken) ? call.ResponseStream.Current : null;
        }
        catch (Exception broken) when (ResiliencePipelines.IsTransient(broken) && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static ResiliencePipeline For(string method) => ResiliencePipelines.For($"{JobsApi.Descriptor.FullName}/{method}");
}
