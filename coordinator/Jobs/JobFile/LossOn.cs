namespace Orchestrator.Coordinator.Jobs;

/// <summary>Which tokens of a sample carry loss.</summary>
internal enum LossOn
{
    /// <summary>Assistant for chats, completion for prompt/completion and alpaca, all for text.</summary>
    Auto,
    Completion,
    Assistant,
    All,
}
