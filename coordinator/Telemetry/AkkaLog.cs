using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using AkkaLevel = Akka.Event.LogLevel;

namespace Orchestrator.Coordinator.Telemetry;

/// <summary>Akka's log events as lines of the host's loggers: the text alone, under the class that wrote it.</summary>
/// <remarks>Started by the actor system, which needs an <see cref="AkkaLogSetup"/>. Time, level and source are the host's to add.</remarks>
internal sealed class AkkaLog : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private readonly Dictionary<Type, ILogger> _loggers = [];

    public AkkaLog()
    {
        var factory = Context.System.Settings.Setup.Get<AkkaLogSetup>().Value.Loggers;
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(happened => Write(factory, happened));
    }

    private void Write(ILoggerFactory factory, LogEvent happened)
    {
        if (!_loggers.TryGetValue(happened.LogClass, out var logger))
        {
            try
            {
                logger = _loggers[happened.LogClass] = factory.CreateLogger(happened.LogClass.FullName ?? happened.LogClass.Name);
            }
            catch (ObjectDisposedException)
            {
                // The host has ended before its actors: there is nowhere to write to.
                return;
            }
        }

        logger.Log(LevelOf(happened.LogLevel()), default, happened.Message, happened.Cause, static (message, _) => message?.ToString() ?? "");
    }

    private static Microsoft.Extensions.Logging.LogLevel LevelOf(AkkaLevel level) => level switch
    {
        AkkaLevel.DebugLevel => Microsoft.Extensions.Logging.LogLevel.Debug,
        AkkaLevel.InfoLevel => Microsoft.Extensions.Logging.LogLevel.Information,
        AkkaLevel.WarningLevel => Microsoft.Extensions.Logging.LogLevel.Warning,
        _ => Microsoft.Extensions.Logging.LogLevel.Error,
    };
}
