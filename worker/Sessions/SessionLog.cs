using Microsoft.Extensions.Logging;

namespace Orchestrator.Worker.Sessions;

/// <summary>What a worker's session logs.</summary>
internal static partial class SessionLog
{
    [LoggerMessage(1, LogLevel.Information, "{Worker} serves peers at {Address}, computes in class {NumericClass}")]
    public static partial void Started(this ILogger logger, string worker, string address, string numericClass);

    [LoggerMessage(2, LogLevel.Information, "Attached to {Coordinator}")]
    public static partial void Attached(this ILogger logger, Uri coordinator);

    [LoggerMessage(3, LogLevel.Warning, "The stream to {Coordinator} broke ({Reason}); attaching again")]
    public static partial void StreamBroke(this ILogger logger, Uri coordinator, string reason);

    [LoggerMessage(4, LogLevel.Information, "Job {Job}: stage {Stage} of replica {Replica} is loaded: {Sources}")]
    public static partial void StageLoaded(this ILogger logger, string job, uint stage, uint replica, string sources);

    [LoggerMessage(5, LogLevel.Information, "Job {Job}: generation {Generation} starts with {Workers} workers")]
    public static partial void GenerationStarts(this ILogger logger, string job, ulong generation, int workers);

    [LoggerMessage(6, LogLevel.Error, "Job {Job}: {Sentence}")]
    public static partial void JobFailed(this ILogger logger, Exception exception, string job, string sentence);

    [LoggerMessage(7, LogLevel.Information, "Job {Job}: released")]
    public static partial void JobReleased(this ILogger logger, string job);

    [LoggerMessage(8, LogLevel.Debug, "Dropped a stale {Command} of job {Job}: {Stale} so far")]
    public static partial void DroppedStale(this ILogger logger, string command, string job, long stale);

    [LoggerMessage(10, LogLevel.Error, "Job {Job}: its release failed")]
    public static partial void ReleaseFailed(this ILogger logger, Exception exception, string job);

    [LoggerMessage(11, LogLevel.Warning, "Cannot attach to {Coordinator} and goes on trying: {Reason}")]
    public static partial void AttachFailed(this ILogger logger, Uri coordinator, string reason);

    [LoggerMessage(12, LogLevel.Information, "Job {Job}: joins generation {Generation} with step {Step} and {States} states")]
    public static partial void GenerationJoined(this ILogger logger, string job, ulong generation, ulong step, int states);

    [LoggerMessage(13, LogLevel.Warning, "Job {Job}: {Sentence}")]
    public static partial void PeerUnreachable(this ILogger logger, Exception exception, string job, string sentence);

    [LoggerMessage(14, LogLevel.Information, "Drains: goes on until its jobs are released ({Reason})")]
    public static partial void Draining(this ILogger logger, string reason);

    [LoggerMessage(15, LogLevel.Warning, "Job {Job}: this worker is alone and has no --cache, so no state of it outlives the process but in checkpoints")]
    public static partial void NoCacheForStates(this ILogger logger, string job);

    [LoggerMessage(18, LogLevel.Information, "Job {Job}: generation {Generation}: {Phases}")]
    public static partial void StepPhases(this ILogger logger, string job, ulong generation, string phases);

    [LoggerMessage(16, LogLevel.Warning, "Job {Job}: quantized weights are not kept in --cache ({Reason}); a later life of this worker quantizes again")]
    public static partial void BaseNotKept(this ILogger logger, string job, string reason);

    [LoggerMessage(17, LogLevel.Warning, "Job {Job}: {Worker} gives no weights ({Reason}); those that are missing are read from the model's files")]
    public static partial void BaseNotGiven(this ILogger logger, string job, string worker, string reason);

    [LoggerMessage(9, LogLevel.Information, "Ending: {Reason}")]
    public static partial void Ending(this ILogger logger, string reason);
}
