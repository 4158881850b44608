namespace Orchestrator.Protos;

public sealed partial class CoordinatorMessage
{
    /// <summary>The job, generation and fence that this command carries; null for messages of the stream itself.</summary>
    public JobScope? JobScope => BodyCase switch
    {
        BodyOneofCase.LoadStage => LoadStage.Scope,
        BodyOneofCase.StartGeneration => StartGeneration.Scope,
        BodyOneofCase.Window => Window.Scope,
        BodyOneofCase.SaveState => SaveState.Scope,
        BodyOneofCase.Release => Release.Scope,
        BodyOneofCase.Score => Score.Scope,
        BodyOneofCase.Generate => Generate.Scope,
        BodyOneofCase.StopGenerating => StopGenerating.Scope,
        BodyOneofCase.Hold => Hold.Scope,
        BodyOneofCase.Join => Join.Scope,
        _ => null,
    };
}
