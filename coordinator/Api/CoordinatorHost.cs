using System.Net;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Api;

/// <summary>A coordinator: the cluster node with its actors, the gRPC services and the health endpoints (alive: it answers; ready: see <see cref="NodeReadiness"/>).</summary>
/// <remarks>
/// <c>train</c> runs it in its own process on loopback; nothing here knows that. Two plain ports, for one cannot serve HTTP/1.1 and gRPC. Signals are left to
/// the command that runs it.
/// </remarks>
internal sealed class CoordinatorHost : IAsyncDisposable
{
    private const int StreamWindowBytes = 1024 * 1024;

    /// <summary>What calls are given to end once the actors have; what is open then breaks off, and is made again to whoever comes next.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly WebApplication _app;

    private CoordinatorHost(WebApplication app, Uri grpcAddress, Uri httpAddress)
    {
        _app = app;
        GrpcAddress = grpcAddress;
        HttpAddress = httpAddress;
    }

    public Uri GrpcAddress { get; }

    public Uri HttpAddress { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts everything; done when both ports are open and the actor system runs.</summary>
    public static async Task<CoordinatorHost> StartAsync(CoordinatorSettings settings, ILoggerProvider log, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders().AddProvider(log)
            .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning).AddFilter("Akka", LogLevel.Warning)
            // Its warnings tell of every try to find the shards' coordinator, which a node makes several times a second while it starts.
            .AddFilter("Akka.Cluster.Sharding", LogLevel.Error).AddFilter("", LogLevel.Information);
        ListenOptions? http = null, grpc = null;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
            kestrel.Limits.Http2.InitialConnectionWindowSize = StreamWindowBytes;
            // A stream of control messages may rest for long; what is alive says so by heartbeats.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, settings.HttpPort, listen => (http = listen).Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, settings.GrpcPort, listen => (grpc = listen).Protocols = HttpProtocols.Http2);
        });
        AddServices(builder.Services, settings);
        var app = builder.Build();
        MapEndpoints(app);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new CoordinatorHost(app, AddressOf(grpc!), AddressOf(http!));
    }

    /// <summary>Ends the actors, then the calls.</summary>
    public async ValueTask DisposeAsync()
    {
        // A job that outlived its workers' streams would journal them as lost; they are to be asked by whoever comes next.
        await CoordinatedShutdown.Get(Services.GetRequiredService<ActorSystem>()).Run(CoordinatedShutdown.ClrExitReason.Instance);
        using var limit = new CancellationTokenSource(StopTimeout);
        try
        {
            await _app.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // What did not stop in time ends with the process.
        }

        await _app.DisposeAsync();
    }

    private static void AddServices(IServiceCollection services, CoordinatorSettings settings)
    {
        services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        services.AddSingleton<IHostLifetime, CommandLifetime>();
        services.AddSingleton(TimeProvider.System).AddSingleton(settings.Tokens).AddSingleton(settings.Folders).AddSingleton(settings.Membership);
        services.AddSingleton<JobClient>();
        services.AddHealthChecks().AddCheck<NodeReadiness>(nameof(NodeReadiness));
        services.AddGrpc(grpc => grpc.Interceptors.Add<AccessInterceptor>());
        services.AddSingleton<AccessInterceptor>();
        services.AddOrchestratorCluster(settings.Cluster, (akka, provider) =>
        {
            var time = provider.GetRequiredService<TimeProvider>();
            // Akka's own console would write between a command's results.
            akka.AddHocon("akka { stdout-loglevel = OFF, log-dead-letters = off, log-dead-letters-during-shutdown = off }", HoconAddMode.Prepend)
                .ConfigureLoggers(loggers =>
                {
                    loggers.ClearLoggers();
                    loggers.AddLogger<AkkaLog>();
                })
                .AddSetup(new AkkaLogSetup(provider.GetRequiredService<ILoggerFactory>()))
                .WithWorkerDirectory(settings.Membership, time, JobEntityHosting.AskForJob)
                .WithJobs<WorkerDirectory>(settings.Folders, time);
        });
    }

    private static void MapEndpoints(WebApplication app)
    {
        app.MapGrpcService<WorkerAttachmentService>();
        app.MapGrpcService<DataShardsService>();
        app.MapGrpcService<JobsService>();
        app.MapHealthChecks("/healthz/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/healthz/ready", new HealthCheckOptions { Predicate = check => check.Name == nameof(NodeReadiness) });
    }

    private static Uri AddressOf(ListenOptions listen) => new($"http://{listen.IPEndPoint}");

    /// <summary>Leaves signals to the command: Ctrl-C stops a job, not the host under it.</summary>
    private sealed class CommandLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
