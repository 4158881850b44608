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

    [Fact(Timeout = 60_000)]
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
            // The logger is an actor of its own: the line may follow the answer, and a system that ends drops what its loggers have not read.
            while (!HasLine())
                await Task.Delay(10, TestContext.Current.CancellationToken);
            await system.Terminate();
        }

        var line = Assert.Single(Lines(), line => line.Contains("worker-3", StringComparison.Ordinal));
        Assert.Matches(@"^\S+Z warning AkkaLogTests[+]Talker: worker-3 was lost\.$", line);
    }

    private bool HasLine() => Lines().Any(line => line.EndsWith("lost.", StringComparison.Ordinal));

    private string[] Lines()
    {
        using var file = new StreamReader(new FileStream(_folder.At("run.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return file.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
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
