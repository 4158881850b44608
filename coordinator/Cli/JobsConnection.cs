using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Resilience;
using Polly;
using Polly.Timeout;
using JobsApi = Orchestrator.Protos.Jobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>A client of the job service: every call inside its RPC's resilience pipeline.</summary>
/// <remarks>What a server answers for good, and a server that says nothing of a job for <see cref="OpenPatience"/>, is a <see cref="CommandFailedException"/>.</remarks>
internal sealed class JobsConnection(Uri server, string token) : IDisposable
{
    /// <summary>Longer than a busy machine takes to start a job's entity.</summary>
    private static readonly TimeSpan OpenPatience = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(20);
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    private readonly GrpcChannel _channel = DirectChannels.Open(server, PingAfter, pingPatience: PingAfter, MaxMessageBytes);
    private readonly Metadata _headers = new() { { "authorization", $"Bearer {token}" } };

    private JobsApi.JobsClient Client => field ??= new JobsApi.JobsClient(_channel);

    public async Task<SubmitJobReply> SubmitAsync(SubmitJobRequest request, CancellationToken cancellationToken) =>
        await Answered(nameof(JobsApi.JobsClient.Submit), async ct => await Client.SubmitAsync(request, _headers, cancellationToken: ct), cancellationToken);

    public async Task<JobStatus> CancelAsync(string job, CancellationToken cancellationToken) =>
        await Answered(nameof(JobsApi.JobsClient.Cancel), async ct => await Client.CancelAsync(new JobRequest { Job = job }, _headers, cancellationToken: ct), cancellationToken);

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
                if (JobStates.HasEnded(status.State))
                {
                    yield break;
                }

                status = await NextAsync(call, cancellationToken);
            }
        }
    }

    public void Dispose() => _channel.Dispose();

    /// <summary>Opens a stream and waits for its first state.</summary>
    private async Task<AsyncServerStreamingCall<JobStatus>> OpenAsync(string job, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(OpenPatience);
        try
        {
            return await Answered(nameof(JobsApi.JobsClient.Watch), ct => FirstAsync(job, ct, cancellationToken), patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailedException($"The coordinator has said nothing of the job {job} for {OpenPatience.TotalSeconds:0} s: its journal may not be readable or writable; its log says more.");
        }
    }

    private async Task<AsyncServerStreamingCall<JobStatus>> FirstAsync(string job, CancellationToken opening, CancellationToken watching)
    {
        var call = Client.Watch(new JobRequest { Job = job }, _headers, cancellationToken: watching);
        try
        {
            if (await MovesAsync(call, opening))
            {
                return call;
            }
        }
        catch
        {
            call.Dispose();
            throw;
        }

        call.Dispose();
        throw new RpcException(new Status(StatusCode.Unavailable, "The stream ended before its first state."));
    }

    /// <summary>The next state; null when the stream broke.</summary>
    private static async Task<JobStatus?> NextAsync(AsyncServerStreamingCall<JobStatus> call, CancellationToken cancellationToken)
    {
        try
        {
            return await MovesAsync(call, cancellationToken) ? call.ResponseStream.Current : null;
        }
        catch (Exception broken) when (ResiliencePipelines.IsTransient(broken))
        {
            return null;
        }
        catch (RpcException answer)
        {
            throw new CommandFailedException(answer.Status.Detail, answer);
        }
    }

    // A call that ends before its answer has begun, for nobody is there, gives the wait for it up, too.
    private static async Task<bool> MovesAsync(AsyncServerStreamingCall<JobStatus> call, CancellationToken waiting)
    {
        try
        {
            return await call.ResponseStream.MoveNext(waiting);
        }
        catch (OperationCanceledException ended) when (!waiting.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The stream has ended.", ended));
        }
    }

    private static async Task<T> Answered<T>(string method, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await For(method).ExecuteAsync(async ct => await call(ct), cancellationToken);
        }
        catch (RpcException answer)
        {
            throw new CommandFailedException(answer.Status.Detail, answer);
        }
        catch (TimeoutRejectedException late)
        {
            throw new CommandFailedException($"The coordinator did not answer in time ({method}).", late);
        }
    }

    private static ResiliencePipeline For(string method) => ResiliencePipelines.For($"{JobsApi.Descriptor.FullName}/{method}");
}
