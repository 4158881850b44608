using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Reads which job a message of the attach stream belongs to.</summary>
internal static class MessageScope
{
    /// <summary>The job, or null for messages of the stream itself.</summary>
    public static string? JobOf(WorkerMessage message) => Of(message)?.Job;

    /// <inheritdoc cref="JobOf(WorkerMessage)"/>
    public static string? JobOf(CoordinatorMessage message) => Of(message)?.Job;

    /// <summary>The job, generation and fence that a command carries, or null for messages of the stream itself.</summary>
    public static JobScope? Of(CoordinatorMessage message) => message.BodyCase switch
    {
        CoordinatorMessage.BodyOneofCase.LoadStage => message.LoadStage.Scope,
        CoordinatorMessage.BodyOneofCase.StartGeneration => message.StartGeneration.Scope,
        CoordinatorMessage.BodyOneofCase.Window => message.Window.Scope,
        CoordinatorMessage.BodyOneofCase.SaveState => message.SaveState.Scope,
        CoordinatorMessage.BodyOneofCase.Release => message.Release.Scope,
        CoordinatorMessage.BodyOneofCase.Score => message.Score.Scope,
        CoordinatorMessage.BodyOneofCase.Generate => message.Generate.Scope,
        CoordinatorMessage.BodyOneofCase.StopGenerating => message.StopGenerating.Scope,
        CoordinatorMessage.BodyOneofCase.Hold => message.Hold.Scope,
        CoordinatorMessage.BodyOneofCase.Join => message.Join.Scope,
        _ => null,
    };

    /// <summary>The job, generation and fence that a report carries, or null for messages of the stream itself.</summary>
    public static JobScope? Of(WorkerMessage message) => message.BodyCase switch
    {
        WorkerMessage.BodyOneofCase.StageLoad => message.StageLoad.Scope,
        WorkerMessage.BodyOneofCase.GenerationReady => message.GenerationReady.Scope,
        WorkerMessage.BodyOneofCase.Step => message.Step.Scope,
        WorkerMessage.BodyOneofCase.Evaluation => message.Evaluation.Scope,
        WorkerMessage.BodyOneofCase.StateSaved => message.StateSaved.Scope,
        WorkerMessage.BodyOneofCase.Failure => message.Failure.Scope,
        WorkerMessage.BodyOneofCase.Score => message.Score.Scope,
        WorkerMessage.BodyOneofCase.Generate => message.Generate.Scope,
        WorkerMessage.BodyOneofCase.Held => message.Held.Scope,
        WorkerMessage.BodyOneofCase.Joined => message.Joined.Scope,
        _ => null,
    };
}
