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

    /// <summary>Merging votes and deciding.</summary>
    Vote,

    /// <summary>Keeping the state of the step.</summary>
    History,

    /// <summary>Handing a state over to whoever mirrors it, and waiting until it has arrived.</summary>
    Mirror,
}
