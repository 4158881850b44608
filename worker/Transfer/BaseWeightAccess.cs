using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Orchestrator.Worker.BaseCache;

namespace Orchestrator.Worker.Transfer;

/// <summary>The cache from which other workers are given weights, and the jobs whose workers may ask.</summary>
/// <remarks>Thread-safe. What is given is named by its key alone; a worker of a job that runs here knows the key by having the model's files.</remarks>
internal sealed class BaseWeightAccess
{
    private const string JobHeader = "orchestrator-job-bin";
    private const string SecretHeader = "orchestrator-base-secret-bin";

    private readonly ConcurrentDictionary<string, byte[]> _jobs = new(StringComparer.Ordinal);
    private volatile BaseWeightCache? _cache;

    /// <summary>Where weights are looked for; null: there are none to give.</summary>
    public BaseWeightCache? Cache
    {
        get => _cache;
        set => _cache = value;
    }

    /// <summary>Lets the workers of a job ask.</summary>
    public void Open(string job, byte[] secret) => _jobs[job] = secret;

    public void Close(string job) => _jobs.TryRemove(job, out _);

    /// <summary>What a worker of a job sends with each call.</summary>
    public static Metadata HeadersOf(string job, byte[] secret) => new() { { JobHeader, Encoding.UTF8.GetBytes(job) }, { SecretHeader, secret } };

    /// <summary>Checks a call's metadata.</summary>
    /// <exception cref="RpcException">Unauthenticated: it is of no job here, or does not know the job's secret.</exception>
    public void Check(Metadata headers)
    {
        var job = headers.GetValueBytes(JobHeader) is { Length: <= 256 } name ? Encoding.UTF8.GetString(name) : "";
        if (!_jobs.TryGetValue(job, out var secret) || secret.Length == 0 || !CryptographicOperations.FixedTimeEquals(headers.GetValueBytes(SecretHeader) ?? [], secret))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The call is of no job here, or its secret is not the job's."));
    }
}
