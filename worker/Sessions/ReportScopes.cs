using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>The job, generation and fence that a worker's message carries.</summary>
internal static class ReportScopes
{
    /// <summary>The message's scope; null for messages of the stream itself.</summary>
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

    /// <summary>The same message with a higher fence; itself where it carries that one or a higher one.</summary>
    /// <remarks>A copy otherwise, scope included: a scope may be shared, and a message may be on its way already.</remarks>
    public static WorkerMessage WithFence(WorkerMessage message, ulong fence)
    {
        if (Of(message) is not { } scope || scope.Fence >= fence)
            return message;
        var copy = message.Clone();
        Of(copy)!.Fence = fence;
        return copy;
    }
}
