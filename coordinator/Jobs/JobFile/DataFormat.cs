namespace Orchestrator.Coordinator.Jobs;

internal enum DataFormat
{
    Auto,
    Messages,
    Sharegpt,
    Alpaca,
    PromptCompletion,
    Text,
    Tokens,
}
