using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>The job, generation and fence that a coordinator's command carries.</summary>
internal static class CommandScopes
{
    /// <summary>The command's scope; null for what is no job's.</summary>
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
