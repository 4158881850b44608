using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Api;

/// <summary>What a coordinator is made of on this machine.</summary>
/// <param name="Folders">The storage roots.</param>
/// <param name="Cluster">Journal and remoting.</param>
/// <param name="Tokens">The secrets.</param>
internal sealed record CoordinatorSettings(JobFolders Folders, ClusterSettings Cluster, AccessTokens Tokens)
{
    /// <summary>Port of HTTP/1.1; 0: any free one.</summary>
    public int HttpPort { get; init; }

    /// <summary>Port of gRPC (HTTP/2 in plain text); 0: any free one.</summary>
    public int GrpcPort { get; init; }

    public MembershipOptions Membership { get; init; } = new();
}
