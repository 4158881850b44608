using Akka.Actor;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Knows every worker attached to this node and carries messages between workers and jobs.</summary>
internal sealed class WorkerDirectory : ReceiveActor;
