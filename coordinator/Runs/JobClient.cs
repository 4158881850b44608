using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Asks the entities of jobs, for whoever is no actor: the gRPC services and the commands.</summary>
/// <remarks>
/// Thread-safe. A question that no entity answers in time ends in <see cref="AskTimeoutException"/>, one whose events the journal could not take in
/// <see cref="NotJournaledException"/>.
/// </remarks>
internal sealed class JobClient(ActorSystem system, IReadOnlyActorRegistry registry)
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Longer than a journal takes to give up a write.</summary>
    private static readonly TimeSpan WatchPatience = TimeSpan.FromSeconds(60);

    /// <summary>Accepts the request or answers all its errors at once; idempotent on the request's idempotency key.</summary>
    public async Task<SubmitJobReply> SubmitAsync(SubmitJobRequest request, CancellationToken cancellationToken) =>
        await Ask<SubmitJobReply>(new SubmitJob { Job = JobIds.For(request), Request = request }, cancellationToken);

    /// <summary>The job's state; unspecified: there is no such job.</summary>
    public async Task<JobStatus> GetAsync(string job, CancellationToken cancellationToken) =>
        await Ask<JobStatus>(new GetJob { Job = job }, cancellationToken);

    /// <summary>Stops the job after the step that its workers are in.</summary>
    public async Task<JobStatus> CancelAsync(string job, CancellationToken cancellationToken) =>
        await Ask<JobStatus>(new CancelJob { Job = job }, cancellationToken);

    /// <summary>The job's state now and after each change, the last one an end state; a slow reader misses states in between, never the last.</summary>
    /// <exception cref="JobSilentException">Nothing was heard of the job for a minute.</exception>
    public async IAsyncEnumerable<JobStatus> WatchAsync(string job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var states = Channel.CreateBounded<JobStatus>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropOldest });
        var region = registry.Get<JobEntity>();
        var watcher = system.ActorOf(Props.Create(() => new JobWatcher(job, region, states.Writer, WatchPatience, TimeProvider.System)));
        try
        {
            await foreach (var status in states.Reader.ReadAllAsync(cancellationToken))
            {
                yield return status;
            }
        }
        finally
        {
            system.Stop(watcher);
        }
    }

    private async Task<T> Ask<T>(IJobMessage message, CancellationToken cancellationToken) =>
        await registry.Get<JobEntity>().Ask<object>(message, AskTimeout, cancellationToken) switch
        {
            T answer => answer,
            NotJournaled refused => throw new NotJournaledException(refused),
            var other => throw new InvalidOperationException($"{other.GetType().Name} is no answer to {message.GetType().Name}."),
        };
}
