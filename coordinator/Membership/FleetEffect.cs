using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>What the directory has to do after an event.</summary>
internal abstract record FleetEffect
{
    private FleetEffect() { }

    /// <summary>Let the stream speak for its worker. <paramref name="Reconnect"/>: the same life came back, so what it may have missed is sent again.</summary>
    internal sealed record Admit(long Stream, WorkerKey Key, bool Reconnect) : FleetEffect;

    /// <summary>Answer a new stream with this failure and end it.</summary>
    internal sealed record Refuse(long Stream, Failure Failure) : FleetEffect;

    /// <summary>End a stream that another one replaced or whose worker is lost.</summary>
    internal sealed record End(long Stream, Failure Failure) : FleetEffect;

    /// <summary>Tell everybody that this life of a worker is over. <paramref name="Left"/>: it said so itself.</summary>
    internal sealed record Lose(WorkerKey Key, string Reason, bool Left = false) : FleetEffect
    {
        /// <summary>Nothing had been heard of it for so long, or it had not moved.</summary>
        public TimeSpan Silence { get; init; }
    }
}
