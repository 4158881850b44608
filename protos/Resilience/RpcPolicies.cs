namespace Orchestrator.Protos.Resilience;

/// <summary>The table of all RPCs: deadline, retries and idempotency key of each.</summary>
/// <remarks>README.md beside this file says the same in prose; tests hold both to the proto descriptors.</remarks>
public static class RpcPolicies
{
    /// <summary>One row an RPC, in the order of the README.</summary>
    public static IReadOnlyList<RpcPolicy> All { get; } =
    [
        new("orchestrator.v1.WorkerAttachment/Attach", RpcKind.LongStream, TimeSpan.FromSeconds(10), RpcPolicy.Forever, "worker_id, incarnation"),
        new("orchestrator.v1.DataShards/Fetch", RpcKind.Download, TimeSpan.FromMinutes(10), RpcPolicy.Forever, "shard.sha256, offset"),
        new("orchestrator.v1.StepAgreement/Cast", RpcKind.Unary, TimeSpan.FromSeconds(5), 30, "job, generation, step, evaluation, rank"),
        new("orchestrator.v1.StepAgreement/Announce", RpcKind.Unary, TimeSpan.FromSeconds(5), 30, "job, generation, step, evaluation"),
        new("orchestrator.v1.TensorTransfer/Push", RpcKind.LongStream, TimeSpan.FromSeconds(10), RpcPolicy.Forever, "job, generation, step, sender, kind, index"),
        new("orchestrator.v1.BaseWeights/Fetch", RpcKind.Download, TimeSpan.FromSeconds(60), 2, "key, offset"),
        new("orchestrator.v1.Jobs/Submit", RpcKind.Unary, TimeSpan.FromSeconds(30), 5, "idempotency_key"),
        new("orchestrator.v1.Jobs/Get", RpcKind.Unary, TimeSpan.FromSeconds(10), 5, "job"),
        new("orchestrator.v1.Jobs/Watch", RpcKind.LongStream, TimeSpan.FromSeconds(10), RpcPolicy.Forever, "job"),
        new("orchestrator.v1.Jobs/Cancel", RpcKind.Unary, TimeSpan.FromSeconds(10), 5, "job"),
    ];

    private static readonly Dictionary<string, RpcPolicy> ByMethod = All.ToDictionary(row => row.Method, StringComparer.Ordinal);

    /// <summary>The row of a method, named as gRPC names it (a leading slash is allowed).</summary>
    /// <exception cref="ArgumentException">The method has no row: a bug, which a test finds first.</exception>
    public static RpcPolicy For(string method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return ByMethod.TryGetValue(method.TrimStart('/'), out RpcPolicy? row)
            ? row
            : throw new ArgumentException($"The RPC {method} has no row in the table of RPC policies.", nameof(method));
    }
}
