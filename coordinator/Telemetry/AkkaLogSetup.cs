using Akka.Actor.Setup;

namespace Orchestrator.Coordinator.Telemetry;

/// <summary>Tells <see cref="AkkaLog"/>, which an actor system makes by itself, where the lines go.</summary>
internal sealed class AkkaLogSetup(ILoggerFactory loggers) : Setup
{
    public ILoggerFactory Loggers { get; } = loggers;
}
