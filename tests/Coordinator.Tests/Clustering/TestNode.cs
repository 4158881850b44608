using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Tests.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Clustering;

/// <summary>A real node (cluster, sharding, SQLite journal) whose worker directory is a fake.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly IHost _host;

    private TestNode(IHost host) => _host = host;

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    public JobClient Jobs => _host.Services.GetRequiredService<JobClient>();

    public static async Task<TestNode> StartAsync(NodeFolders folders, FakeWorkers workers)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<JobClient>();
        builder.Services.AddOrchestratorCluster(new ClusterSettings(folders.Journal), (akka, _) => akka
            .WithActors((system, registry) => registry.Register<FakeDirectory>(system.ActorOf(Props.Create(() => new FakeDirectory(workers)), "workers")))
            .WithJobs<FakeDirectory>(folders.Jobs, TimeProvider.System));
        var host = builder.Build();
        await host.StartAsync();
        return new TestNode(host);
    }

    /// <summary>The job's state when a condition first holds.</summary>
    public async Task<JobStatus> WaitAsync(string job, Func<JobStatus, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        JobStatus? last = null;
        try
        {
            await foreach (var status in Jobs.WatchAsync(job, limit.Token))
            {
                last = status;
                if (condition(status))
                {
                    return status;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told below.
        }

        throw new InvalidOperationException($"The job never came to the expected state; the last one was {last}.");
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    internal sealed class FakeDirectory : ReceiveActor
    {
        private readonly Dictionary<string, IActorRef> _jobs = new(StringComparer.Ordinal);

        public FakeDirectory(FakeWorkers workers)
        {
            Receive<Subscribe>(message =>
            {
                _jobs[message.Job] = message.Subscriber;
                message.Subscriber.Tell(workers.Fleet);
            });
            Receive<Unsubscribe>(message => _jobs.Remove(message.Job));
            Receive<ToWorker>(message =>
            {
                foreach (var answer in workers.Obey(message.Key, message.Message))
                {
                    foreach (var job in _jobs.Values)
                    {
                        job.Tell(new FromWorker(message.Key, answer));
                    }
                }
            });
        }
    }
}
