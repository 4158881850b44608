using Akka.Actor;
using Akka.Hosting;
using Orchestrator.Coordinator.Api;
using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli;

/// <summary>A coordinator in this process and worker processes that attach to it, for as long as one command runs.</summary>
internal sealed class EmbeddedCluster : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);
    private readonly WorkFolder _folder;
    private readonly CoordinatorHost _host;
    private readonly AccessTokens _tokens;
    private readonly RunLog _log;
    private IActorRef? _processes;

    private EmbeddedCluster(WorkFolder folder, CoordinatorHost host, AccessTokens tokens, RunLog log)
    {
        _folder = folder;
        _host = host;
        _tokens = tokens;
        _log = log;
    }

    public WorkFolder Folder => _folder;

    public ActorSystem Actors => _host.Services.GetRequiredService<ActorSystem>();

    public IActorRef Workers => _host.Services.GetRequiredService<IReadOnlyActorRegistry>().Get<WorkerDirectory>();

    /// <summary>Starts the coordinator; it takes over the folder, also when it fails.</summary>
    /// <exception cref="InvalidInputException">There is no program of a worker.</exception>
    public static async Task<EmbeddedCluster> StartAsync(WorkFolder folder, RunLog log, CancellationToken cancellationToken)
    {
        try
        {
            WorkerLaunch.CheckProgram();
            var tokens = AccessTokens.Random();
            var host = await CoordinatorHost.StartAsync(new CoordinatorSettings(folder.Folders, new ClusterSettings(folder.Journal), tokens), log, cancellationToken);
            return new EmbeddedCluster(folder, host, tokens, log);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public JobsConnection Connect() => new(_host.GrpcAddress, _tokens.UserToken);

    /// <summary>Starts the worker processes; a second call changes nothing.</summary>
    public void StartWorkers(int count, int? threads, string? numericClass) =>
        _processes ??= Actors.ActorOf(
            WorkerProcesses.Props(new WorkerLaunch(_host.GrpcAddress, _tokens.JoinToken, count, threads, numericClass) { Cache = _folder.Folders.Stages }, Workers, _log), "worker-processes");

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_processes is not null)
            {
                await _processes.Ask<WorkerProcesses.WorkersStopped>(new WorkerProcesses.StopWorkers(), StopTimeout);
            }
        }
        catch (AskTimeoutException)
        {
            // The actor kills what is left when it stops with the host.
        }

        await _host.DisposeAsync();
        _folder.Dispose();
    }
}
