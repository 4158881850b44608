using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Event;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Tests.Telemetry;

public sealed class AkkaLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Line_OfAnActor_HasOneTimeOneLevelAndTheActorsName()
    {
        Directory.CreateDirectory(_folder.Path);
        using (var log = new RunLog(TimeProvider.System))
        using (var loggers = LoggerFactory.Create(builder => builder.AddProvider(log)))
        {
            log.WriteTo(_folder.At("run.log"));
            var config = BootstrapSetup.Create().WithConfig($$"""akka { stdout-loglevel = OFF, loggers = ["{{typeof(AkkaLog).AssemblyQualifiedName}}"] }""");
            var system = ActorSystem.Create("test", ActorSystemSetup.Create(config, new AkkaLogSetup(loggers)));
            Assert.Equal("done", await system.ActorOf(Props.Create<Talker>()).Ask<string>("worker-3", TestContext.Current.CancellationToken));
            await system.Terminate();
        }

        var line = Assert.Single(await File.ReadAllLinesAsync(_folder.At("run.log"), TestContext.Current.CancellationToken), line => line.Contains("worker-3", StringComparison.Ordinal));
        Assert.Matches(@"^\S+Z warning AkkaLogTests[+]Talker: worker-3 was lost\.$", line);
    }

    private sealed class Talker : ReceiveActor
    {
        public Talker() => Receive<string>(name =>
        {
            Context.GetLogger().Warning("{0} was lost.", name);
            Sender.Tell("done");
        });
    }
}
