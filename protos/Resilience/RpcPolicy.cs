namespace Orchestrator.Protos.Resilience;

/// <summary>What a call's pipeline does when it breaks.</summary>
public enum RpcKind
{
    /// <summary>One request, one answer: each try has the deadline, failed tries are repeated.</summary>
    Unary,

    /// <summary>A stream for as long as both sides live: the deadline bounds its opening, and it is opened again without end.</summary>
    LongStream,

    /// <summary>A stream that ends by itself: the deadline bounds one try, the next one goes on where the last stopped.</summary>
    Download,
}

/// <summary>How one RPC is called: one row of the table.</summary>
/// <param name="Method">Full gRPC name without the leading slash, e.g. <c>orchestrator.v1.Jobs/Submit</c>.</param>
/// <param name="Kind">Which pipeline it gets.</param>
/// <param name="Deadline">Bound of one try (of the opening, for a long stream).</param>
/// <param name="Retries">Tries after the first one; <see cref="Forever"/> where there is nothing better to do than to go on.</param>
/// <param name="IdempotencyKey">What makes a repeated call change nothing.</param>
public sealed record RpcPolicy(string Method, RpcKind Kind, TimeSpan Deadline, int Retries, string IdempotencyKey)
{
    /// <summary>Retried until it works or its caller gives up.</summary>
    public const int Forever = int.MaxValue;
}
