using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Reads which job a message of the attach stream belongs to.</summary>
internal static class MessageScope
{
    /// <summary>The job, or null for messages of the stream itself.</summary>
    public static string? JobOf(WorkerMessage message) => message.BodyCase switch
    {
        WorkerMessage.BodyOneofCase.StageLoad => message.StageLoad.Scope?.Job,
        WorkerMessage.BodyOneofCase.GenerationReady => message.GenerationReady.Scope?.Job,
        WorkerMessage.BodyOneofCase.Step => message.Step.Scope?.Job,
        WorkerMessage.BodyOneofCase.Evaluation => message.Evaluation.Scope?.Job,
        WorkerMessage.BodyOneofCase.StateSaved => message.StateSaved.Scope?.Job,
        WorkerMessage.BodyOneofCase.Failure => message.Failure.Scope?.Job,
        WorkerMessage.BodyOneofCase.Score => message.Score.Scope?.Job,
        WorkerMessage.BodyOneofCase.Generate => message.Generate.Scope?.Job,
        WorkerMessage.BodyOneofCase.Held => message.Held.Scope?.Job,
        WorkerMessage.BodyOneofCase.Joined => message.Joined.Scope?.Job,
        _ => null,
    };

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
}
