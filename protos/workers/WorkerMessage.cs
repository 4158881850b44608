namespace Orchestrator.Protos;

public sealed partial class WorkerMessage
{
    /// <summary>The job, generation and fence that this message carries; null for messages of the stream itself.</summary>
    public JobScope? JobScope => BodyCase switch
    {
        BodyOneofCase.StageLoad => StageLoad.Scope,
        BodyOneofCase.GenerationReady => GenerationReady.Scope,
        BodyOneofCase.Step => Step.Scope,
        BodyOneofCase.Evaluation => Evaluation.Scope,
        BodyOneofCase.StateSaved => StateSaved.Scope,
        BodyOneofCase.Failure => Failure.Scope,
        BodyOneofCase.Score => Score.Scope,
        BodyOneofCase.Generate => Generate.Scope,
        BodyOneofCase.Held => Held.Scope,
        BodyOneofCase.Joined => Joined.Scope,
        _ => null,
    };

    /// <summary>This message with a higher fence; itself where it carries that one or a higher one.</summary>
    /// <remarks>A copy otherwise, scope included: a scope may be shared, and a message may be on its way already.</remarks>
    public WorkerMessage WithFence(ulong fence)
    {
        if (JobScope is not { } scope || scope.Fence >= fence)
        {
            return this;
        }

        var copy = Clone();
        copy.JobScope!.Fence = fence;
        return copy;
    }
}
