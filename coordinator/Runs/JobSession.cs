using System.Collections.Immutable;
using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job knows beyond its journal in one life of its entity: what was read from files, who is attached, who has reported what.</summary>
/// <remarks>Immutable. Lost with the entity and gathered again: reports are repeated by the workers, files are read again.</remarks>
internal sealed record JobSession
{
    /// <summary>The job's name in the cluster.</summary>
    public required string Job { get; init; }

    /// <summary>By which the workers of the generation know each other; random in each life.</summary>
    public required ByteString Secret { get; init; }

    public JobMaterial? Material { get; init; }

    public FleetSnapshot Fleet { get; init; } = new(0, []);

    /// <summary>There will never be more workers; null: there may.</summary>
    public int? MaxWorkers { get; init; }

    /// <summary>Text for a person: what the preparation does.</summary>
    public string Progress { get; init; } = "";

    public ImmutableDictionary<int, StageLoadReport> Loads { get; init; } = ImmutableDictionary<int, StageLoadReport>.Empty;

    public ImmutableHashSet<int> Ready { get; init; } = [];

    /// <summary>Steps that were opened and are not yet committed, with their micro-batches.</summary>
    public ImmutableSortedDictionary<ulong, Step> OpenSteps { get; init; } = ImmutableSortedDictionary<ulong, Step>.Empty;

    /// <summary>Reports by step and rank: of open steps, and of the newest committed ones to compare repeated reports with.</summary>
    public ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<int, StepReport>> Reports { get; init; } =
        ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<int, StepReport>>.Empty;

    /// <summary>By step; a rank reports its samples in parts, so a part's first sample is in the key.</summary>
    public ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport>> Evaluations { get; init; } =
        ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport>>.Empty;

    public ImmutableSortedDictionary<int, WorkerTotals> Totals { get; init; } = ImmutableSortedDictionary<int, WorkerTotals>.Empty;

    /// <summary>By step; lost with the entity, and with it a checkpoint that was not complete.</summary>
    public ImmutableSortedDictionary<ulong, PendingCheckpoint> Checkpoints { get; init; } = ImmutableSortedDictionary<ulong, PendingCheckpoint>.Empty;

    /// <summary>The step whose manifest is being written; null: none.</summary>
    public ulong? CheckpointUnderWay { get; init; }

    /// <summary>The step after which the workers hold; null: they do not.</summary>
    public ulong? HeldAfter { get; init; }

    /// <summary>When the newest step was committed, or training began.</summary>
    public DateTimeOffset LastCommitAt { get; init; }

    /// <summary>Messages that were dropped because they were of another fence, generation, worker or step.</summary>
    public long StaleMessages { get; init; }
}
