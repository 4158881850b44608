namespace Orchestrator.Worker.Stages;

/// <summary>What a step's time is spent on.</summary>
internal enum StepPhase
{
    Other,
    Forward,
    Backward,
    Reduce,
    Optimizer,
    Wait,
}
