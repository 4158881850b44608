using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>One process life of a worker: its name, which survives restarts, and its incarnation.</summary>
internal readonly record struct WorkerKey(string WorkerId, ulong Incarnation)
{
    public static WorkerKey Of(WorkerIdentity identity) => new(identity.WorkerId, identity.Incarnation);

    public override string ToString() => WorkerId;
}
