using System.Collections.Concurrent;
using Grpc.Core;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Orchestrator.Protos.Resilience;

/// <summary>The resilience pipeline of each RPC, built from its row in <see cref="RpcPolicies"/>.</summary>
/// <remarks>
/// Every remote call runs inside one: <c>await ResiliencePipelines.For(method).ExecuteAsync(async ct => await client.GetAsync(request, cancellationToken: ct), ct)</c>.
/// A pipeline is a retry with exponential, jittered backoff (100 ms to 2 s) around a timeout of one try. Of a long stream only the opening
/// (until the other side's first answer) runs inside: each new opening starts with the shortest wait again. Thread-safe.
/// </remarks>
public static class ResiliencePipelines
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);
    private static readonly ConcurrentDictionary<string, ResiliencePipeline> Pipelines = new(StringComparer.Ordinal);

    /// <summary>The shared pipeline of a method, on the system's clock.</summary>
    public static ResiliencePipeline For(string method) => Pipelines.GetOrAdd(method, static name => Build(RpcPolicies.For(name), TimeProvider.System));

    /// <summary>A pipeline of this row on the given clock.</summary>
    public static ResiliencePipeline Build(RpcPolicy policy, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return new ResiliencePipelineBuilder { Name = policy.Method, TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = policy.Retries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = FirstDelay,
                MaxDelay = LongestDelay,
                ShouldHandle = static outcome => ValueTask.FromResult(IsTransient(outcome.Outcome.Exception)),
            })
            .AddTimeout(new TimeoutStrategyOptions { Timeout = policy.Deadline })
            .Build();
    }

    /// <summary>Whether the same call may succeed later: the connection broke or the other side was not there in time.</summary>
    public static bool IsTransient(Exception? exception) => exception switch
    {
        TimeoutRejectedException => true,
        RpcException rpc => rpc.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.ResourceExhausted
            || IsBrokenConnection(rpc),
        HttpRequestException or IOException => exception is not InvalidDataException,
        _ => false,
    };

    // A connection that is reset in the middle of an answer is reported as Internal or Cancelled with the cause inside.
    private static bool IsBrokenConnection(RpcException rpc) =>
        rpc.StatusCode is StatusCode.Internal or StatusCode.Cancelled or StatusCode.Unknown
        && rpc.Status.DebugException is HttpRequestException or IOException;
}
