using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Grpc.Core;

namespace Orchestrator.Worker.Transfer;

/// <summary>How the workers of a generation know each other: its secret travels in the metadata of every call.</summary>
/// <remarks>Thread-safe. A call of an older generation is refused for good and counted; one of a generation that has not started here yet is told to come again.</remarks>
internal sealed class PeerAccess
{
    /// <summary>Response header of a stream that was let in.</summary>
    public const string AcceptedHeader = "orchestrator-accepted";

    private const string JobHeader = "orchestrator-job-bin";
    private const string GenerationHeader = "orchestrator-generation";
    private const string RankHeader = "orchestrator-rank";
    private const string SecretHeader = "orchestrator-secret-bin";

    private readonly ConcurrentDictionary<string, OpenGeneration> _jobs = new(StringComparer.Ordinal);
    private long _stale;

    /// <summary>Calls that were refused because their generation has ended.</summary>
    public long StaleRefused => Interlocked.Read(ref _stale);

    /// <summary>Lets the other workers of a generation in, and those of older ones no more.</summary>
    /// <param name="self">This worker in it.</param>
    /// <param name="numRanks">Workers of the generation, those behind the layout that only hand states over included: every rank is below.</param>
    /// <param name="secret">What they prove themselves by.</param>
    public void Open(PeerIdentity self, int numRanks, byte[] secret) => _jobs[self.Job] = new OpenGeneration(self, numRanks, secret);

    /// <summary>Lets nobody in any more of generations before this one; its own workers are told to come again until it is opened.</summary>
    public void Await(string job, ulong generation) => _jobs[job] = new OpenGeneration(new PeerIdentity(job, generation, 0), 0, null);

    public void Close(string job) => _jobs.TryRemove(job, out _);

    /// <summary>The answer to what comes of a generation that has ended here: no trouble, its sender will be told of the newer one, too.</summary>
    public static RpcException Ended(string why) => new(new Status(StatusCode.FailedPrecondition, why));

    /// <summary>Whether an answer is <see cref="Ended"/>.</summary>
    public static bool HasEnded(RpcException answer) => answer.StatusCode == StatusCode.FailedPrecondition;

    /// <summary>What a member of a generation sends with each call.</summary>
    public static Metadata HeadersOf(PeerIdentity peer, byte[] secret) => new()
    {
        { JobHeader, System.Text.Encoding.UTF8.GetBytes(peer.Job) },
        { GenerationHeader, peer.Generation.ToString(CultureInfo.InvariantCulture) },
        { RankHeader, peer.Rank.ToString(CultureInfo.InvariantCulture) },
        { SecretHeader, secret },
    };

    /// <summary>Checks a call's metadata.</summary>
    /// <exception cref="RpcException">
    /// Unauthenticated, FailedPrecondition (an older generation), Unavailable (not started here yet) or InvalidArgument (a rank that no other worker has).
    /// </exception>
    public PeerCall Check(Metadata headers)
    {
        var job = headers.GetValueBytes(JobHeader) is { Length: <= 256 } name ? System.Text.Encoding.UTF8.GetString(name) : "";
        if (!ulong.TryParse(headers.GetValue(GenerationHeader), CultureInfo.InvariantCulture, out var generation)
            || !uint.TryParse(headers.GetValue(RankHeader), CultureInfo.InvariantCulture, out var rank))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The call names no generation of a job."));
        if (!_jobs.TryGetValue(job, out var open) || open.Self.Generation < generation)
            throw new RpcException(new Status(StatusCode.Unavailable, $"Generation {generation} has not started here yet."));
        if (open.Self.Generation > generation)
        {
            Interlocked.Increment(ref _stale);
            throw Ended($"Generation {generation} has ended here: it is {open.Self.Generation} now.");
        }

        if (open.Secret is not { } secret)
            throw new RpcException(new Status(StatusCode.Unavailable, $"Generation {generation} has not started here yet."));
        if (!CryptographicOperations.FixedTimeEquals(headers.GetValueBytes(SecretHeader) ?? [], secret))
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The secret is not that of this generation."));
        if (rank >= open.NumRanks || rank == open.Self.Rank)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"Rank {rank} is no other worker of this generation: it has ranks 0 to {open.NumRanks - 1}, and {open.Self.Rank} is this one."));
        return new PeerCall(new PeerIdentity(job, generation, rank), open.Self.Rank);
    }

    private sealed record OpenGeneration(PeerIdentity Self, int NumRanks, byte[]? Secret);
}
