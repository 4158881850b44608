namespace Orchestrator.Coordinator.Jobs;

internal enum LearningRateScheduler
{
    Constant,
    Linear,
    Cosine,
}
