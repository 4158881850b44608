namespace Orchestrator.Chaos;

/// <summary>What is done to one worker of a run.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL.</summary>
    Kill,

    /// <summary>SIGSTOP for 20 s, then SIGCONT: far beyond its lease.</summary>
    Stop,

    /// <summary>SIGTERM, as before a preemption.</summary>
    Terminate,

    /// <summary>Its connections from other workers are reset.</summary>
    Reset,

    /// <summary>Whatever other workers send to it arrives 300 ms late, for 5 s.</summary>
    Delay,

    /// <summary>Its connections from other workers stay open and carry nothing any more; new ones are well.</summary>
    HalfOpen,

    /// <summary>One byte of what other workers send to it is another one.</summary>
    Corrupt,
}
