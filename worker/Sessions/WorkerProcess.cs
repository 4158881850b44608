using Microsoft.Extensions.Logging;
using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Mirrors;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>Puts a worker together and runs it to its end.</summary>
internal static class WorkerProcess
{
    /// <summary>Exit code: an option or this machine is not what a worker needs, and nothing was started.</summary>
    public const int WrongRequest = 2;

    /// <summary>Exit code: the worker, or what it examined, failed.</summary>
    public const int Failed = 1;

    private const int Done = 0;
    private const int ServerRefuses = 4;

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(WorkerOptions options)
    {
        using var life = new ProcessLife(options.Owned);
        using var loggers = LoggerFactory.Create(builder => builder
            .AddFilter("Microsoft", LogLevel.Warning)
            // A server that cannot start throws: its own line would be the stack trace.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddFilter("Grpc", LogLevel.Error)
            .AddSimpleConsole(console => console.SingleLine = true)
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var logger = loggers.CreateLogger("worker");
        try
        {
            await RunAsync(options, loggers, logger, life);
            return Done;
        }
        catch (OperationCanceledException) when (life.Ending.IsCancellationRequested || life.Draining.IsCancellationRequested)
        {
            return Done;
        }
        catch (WorkerFaultException fault)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return WrongRequest;
        }
        catch (AttachRefusedException refused)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return ServerRefuses;
        }
        catch (IOException broken)
        {
            await Console.Error.WriteLineAsync(broken.Message);
            return Failed;
        }
    }

    private static async Task RunAsync(WorkerOptions options, ILoggerFactory loggers, ILogger logger, ProcessLife life)
    {
        using var runtime = WorkerRuntime.Start(options.Runtime, logger);
        await using var peers = await PeerServer.StartAsync(options.Listen, loggers, life.Draining);
        if (options.Cache is { } cache)
            MirrorFiles.DeleteOlder(cache, DateTimeOffset.UtcNow - MirrorFiles.Age);
        var self = new WorkerIdentity { WorkerId = options.Name, Incarnation = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };
        logger.Started(options.Name, peers.Address, $"{runtime.NumericClass.Backend}/{runtime.NumericClass.InstructionPath}, {runtime.NumericClass.Threads} threads");
        var weights = options.Cache is null ? null : new BaseWeightCache(options.Cache, options.CacheLimitBytes);
        peers.Weights.Cache = weights;
        // An owned worker has its owner's data on the same disk: its cache is for states and weights alone.
        var shards = new ShardStore(options.Owned ? null : options.Cache);
        var parts = new WorkerParts(self, runtime, peers, shards, new Outbox(), new StageActivity(), logger, weights, options.Cache);
        await new WorkerSession(options, parts).RunAsync(() => life.Reason, life.Draining, life.Ending);
    }
}
