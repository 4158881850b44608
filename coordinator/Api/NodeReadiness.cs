using Akka.Actor;
using Akka.Cluster;
using Akka.Persistence;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Orchestrator.Coordinator.Api;

/// <summary>Ready to be asked: this node is up in its cluster, and its journal is open and answers.</summary>
internal sealed class NodeReadiness(ActorSystem system) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (system.WhenTerminated.IsCompleted)
        {
            return HealthCheckResult.Unhealthy("The cluster node has stopped.");
        }

        var status = Akka.Cluster.Cluster.Get(system).SelfMember.Status;
        if (status != MemberStatus.Up)
        {
            return HealthCheckResult.Unhealthy($"The cluster node is not up ({status}).");
        }

        var journal = await Persistence.Instance.Apply(system).CheckJournalHealthAsync("", cancellationToken);
        return journal.Status == PersistenceHealthStatus.Healthy
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy($"The journal does not work: {journal.Description}", journal.Exception);
    }
}
