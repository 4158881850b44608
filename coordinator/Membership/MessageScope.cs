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
    public static string? JobOf(CoordinatorMessage message) => message.BodyCase switch
    {
        CoordinatorMessage.BodyOneofCase.LoadStage => message.LoadStage.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.StartGeneration => message.StartGeneration.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.Window => message.Window.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.SaveState => message.SaveState.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.Release => message.Release.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.Score => message.Score.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.Generate => message.Generate.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.StopGenerating => message.StopGenerating.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.Hold => message.Hold.Scope?.Job,
        CoordinatorMessage.BodyOneofCase.Join => message.Join.Scope?.Job,
        _ => null,
    };
}
