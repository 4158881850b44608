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

    /// <summary>Random in each life; the secret by which the workers of a generation know each other is made of it.</summary>
    public required ByteString Secret { get; init; }

    public JobMaterial? Material { get; init; }

    public FleetSnapshot Fleet { get; init; } = new(0, []);

    /// <summary>There will never be more workers; null: there may.</summary>
    public int? MaxWorkers { get; init; }

    /// <summary>Text for a person: what the preparation does.</summary>
    public string Progress { get; init; } = "";

    /// <summary>Everybody who was told something of the job and is not released or lost.</summary>
    public ImmutableHashSet<WorkerKey> Told { get; init; } = [];

    /// <summary>Of those who are to load for the newest generation.</summary>
    public ImmutableDictionary<WorkerKey, StageLoadReport> Loads { get; init; } = ImmutableDictionary<WorkerKey, StageLoadReport>.Empty;

    /// <summary>By rank.</summary>
    public ImmutableSortedDictionary<int, GenerationReady> Ready { get; init; } = ImmutableSortedDictionary<int, GenerationReady>.Empty;

    /// <summary>The next generation in the making; null: none is.</summary>
    public RecoveryAnswers? Recovery { get; init; }

    /// <summary>A change that waits for its newcomers or for the boundary of a step; null: none does.</summary>
    public PlannedChange? Change { get; init; }

    /// <summary>Workers that are to leave, and whether each has waited long enough for whoever takes its place.</summary>
    public ImmutableDictionary<WorkerKey, bool> Leaving { get; init; } = ImmutableDictionary<WorkerKey, bool>.Empty;

    /// <summary>The sum of the stages' state hashes after the step that the generation goes on from, as the members said it; empty: nobody knows.</summary>
    public ByteString StateHash { get; init; } = ByteString.Empty;

    /// <summary>The newest committed step that was run again and compared; null: no committed step is left to be.</summary>
    public ulong? Repeated { get; init; }

    /// <summary>Reports of earlier generations on steps that are run again.</summary>
    public ImmutableSortedDictionary<ulong, ImmutableList<EarlierReport>> Earlier { get; init; } = ImmutableSortedDictionary<ulong, ImmutableList<EarlierReport>>.Empty;

    /// <summary>Steps that were opened and are not yet committed, with their micro-batches.</summary>
    public ImmutableSortedDictionary<ulong, Step> OpenSteps { get; init; } = ImmutableSortedDictionary<ulong, Step>.Empty;

    /// <summary>Reports of the newest placement by step and rank: of open steps, and of the newest committed ones to compare repeated reports with.</summary>
    public ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<int, StepReport>> Reports { get; init; } =
        ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<int, StepReport>>.Empty;

    /// <summary>By step; a rank reports its samples in parts, so a part's first sample is in the key.</summary>
    public ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport>> Evaluations { get; init; } =
        ImmutableSortedDictionary<ulong, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport>>.Empty;

    public ImmutableDictionary<WorkerKey, WorkerTotals> Totals { get; init; } = ImmutableDictionary<WorkerKey, WorkerTotals>.Empty;

    /// <summary>The newest place of each worker that has had one.</summary>
    public ImmutableDictionary<WorkerKey, RankPlacement> Places { get; init; } = ImmutableDictionary<WorkerKey, RankPlacement>.Empty;

    /// <summary>By step; lost with the entity, and with it a checkpoint that was not complete.</summary>
    public ImmutableSortedDictionary<ulong, PendingCheckpoint> Checkpoints { get; init; } = ImmutableSortedDictionary<ulong, PendingCheckpoint>.Empty;

    /// <summary>The step whose manifest is being written; null: none.</summary>
    public ulong? CheckpointUnderWay { get; init; }

    /// <summary>The step after which the workers hold; null: they do not.</summary>
    public ulong? HeldAfter { get; init; }

    /// <summary>The step that workers were told to save beside those of their windows; null: none.</summary>
    public ulong? SaveAsked { get; init; }

    /// <summary>When the newest step was committed, or training began.</summary>
    public DateTimeOffset LastCommitAt { get; init; }

    /// <summary>Messages that were dropped because they were of another fence, generation, worker or step.</summary>
    public long StaleMessages { get; init; }
}
