using System.Net;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Sessions;

/// <summary>What a worker is started with.</summary>
internal sealed record WorkerOptions
{
    /// <summary>Any of these is attached to; the next one is tried when one does not answer.</summary>
    public required IReadOnlyList<Uri> Coordinators { get; init; }

    /// <summary>Admits this worker.</summary>
    public required string JoinToken { get; init; }

    /// <summary>Survives restarts.</summary>
    public required string Name { get; init; }

    public required RuntimeOptions Runtime { get; init; }

    /// <summary>Where other workers reach this one; port 0: any free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>What other workers are told instead of the bound address, where that is no address to reach; null: the bound one.</summary>
    public string? Advertise { get; init; }

    /// <summary>Where fetched shards, quantized base weights and a lone worker's states are kept; null: shards in a temporary folder that ends with the process, the others nowhere.</summary>
    public string? Cache { get; init; }

    /// <summary>What the base weights in the cache may take.</summary>
    public ulong CacheLimitBytes { get; init; } = BaseWeightCache.DefaultLimitBytes;

    /// <summary>Memory that jobs may plan with.</summary>
    public ulong MemoryLimitBytes { get; init; }

    /// <summary>Ends when stdin closes, and ignores SIGINT: the process that owns it decides.</summary>
    public bool Owned { get; init; }
}
