using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Remote.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orchestrator.Coordinator.Api;

namespace Orchestrator.Coordinator.Tests.Api;

public sealed class NodeReadinessTests(ITestOutputHelper output) : TestKit(output: output)
{
    [Fact]
    public async Task Check_BeforeAndAfterTheNodeIsUp_FollowsTheNode()
    {
        var before = await CheckAsync();
        Assert.Equal((HealthStatus.Unhealthy, "The cluster node is not up (Removed)."), (before.Status, before.Description));
        await UpAsync();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
        await Sys.Terminate();
        Assert.Equal("The cluster node has stopped.", (await CheckAsync()).Description);
    }

    [Fact]
    public async Task Check_JournalThatFails_IsUnhealthy()
    {
        await UpAsync();
        FailingJournal.Fails = true;
        try
        {
            var check = await CheckAsync();
            Assert.Equal((HealthStatus.Unhealthy, "The journal does not work: no file"), (check.Status, check.Description));
        }
        finally
        {
            FailingJournal.Fails = false;
        }
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => builder
        .WithRemoting("127.0.0.1", 0)
        .WithClustering()
        .AddHocon(
            $$"""
            akka.persistence.journal {
              plugin = "akka.persistence.journal.failing"
              failing { class = "{{typeof(FailingJournal).AssemblyQualifiedName}}", plugin-dispatcher = "akka.actor.default-dispatcher" }
            }
            """,
            HoconAddMode.Prepend);

    private async Task UpAsync()
    {
        var cluster = Akka.Cluster.Cluster.Get(Sys);
        cluster.Join(cluster.SelfAddress);
        await AwaitConditionAsync(() => Task.FromResult(cluster.SelfMember.Status == MemberStatus.Up), TimeSpan.FromSeconds(30), cancellationToken: TestContext.Current.CancellationToken);
    }

    private Task<HealthCheckResult> CheckAsync() => new NodeReadiness(Sys).CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);

    /// <summary>Says of itself that it does not work, when told so.</summary>
    private sealed class FailingJournal : MemoryJournal
    {
        public static volatile bool Fails;

        public override Task<PersistenceHealthCheckResult> CheckHealthAsync(CancellationToken cancellationToken = default) => Fails
            ? Task.FromResult(new PersistenceHealthCheckResult(PersistenceHealthStatus.Unhealthy, "no file"))
            : base.CheckHealthAsync(cancellationToken);
    }
}
