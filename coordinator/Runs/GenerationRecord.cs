using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What the journal knows of a job's generations.</summary>
/// <remarks>A part of <see cref="JobRecord"/>, by the same rules: immutable, compared by value, the fold of events.</remarks>
internal sealed record GenerationRecord
{
    public static readonly GenerationRecord Empty = new();

    /// <summary>The newest generation; commands carry it. 0: the job was never placed.</summary>
    public ulong Number { get; init; }

    /// <summary>The newest generation that was placed; below <see cref="Number"/> while the next one is being made.</summary>
    public ulong Placed { get; init; }

    /// <summary>How often the job was placed.</summary>
    public int Placements { get; init; }

    /// <summary>What the job was first placed on; null: it was not.</summary>
    public LayoutTarget? Target { get; init; }

    /// <summary>The step that the newest placement goes on from.</summary>
    public ulong FromStep { get; init; }

    public ulong StepsRepeated { get; init; }

    public ValueList<StateTransfer> Transfers { get; init; } = [];

    /// <summary>Workers without a place that hand over a state before the newest placement trains.</summary>
    public ValueList<WorkerKey> Givers { get; init; } = [];

    /// <summary>What steps after <see cref="FromStep"/> must come to.</summary>
    public ValueList<KnownVerdict> Verdicts { get; init; } = [];

    /// <summary>Why training stands still: one sentence an end since a generation last trained.</summary>
    public ValueList<string> Reasons { get; init; } = [];

    /// <summary>When the first of these ends was noticed; null: training does not stand still.</summary>
    public Timestamp? EndedAt { get; init; }

    /// <summary>For how long nothing had been heard by then of whoever was lost.</summary>
    public double SilentSeconds { get; init; }

    /// <summary>Whether one of these ends was not planned.</summary>
    public bool IsUnplanned { get; init; }

    /// <summary>The members of the newest generation that trained.</summary>
    public ValueList<WorkerKey> Trained { get; init; } = [];

    /// <summary>Since when the generation trains; null: none does.</summary>
    public Timestamp? TrainingSince { get; init; }

    /// <summary>Places that smaller layouts went without, times the seconds, and that no event has told of yet.</summary>
    public double MissingWorkerSeconds { get; init; }

    /// <summary>Losses while training, one after the other, at the same step (<see cref="LossStep"/>), since a step was last committed.</summary>
    public int LossesInARow { get; init; }

    /// <summary>The step that was under way at the newest of these losses.</summary>
    public ulong LossStep { get; init; }

    /// <summary>Workers that others could not reach since a step was last committed while training.</summary>
    public ValueList<WorkerKey> Accused { get; init; } = [];

    /// <summary>Workers that serve this job no more.</summary>
    public ValueList<WorkerKey> GivenUp { get; init; } = [];

    /// <summary>The layouts of earlier generations, up to <see cref="FromStep"/>.</summary>
    public ValueList<LayoutStretch> Stretches { get; init; } = [];

    /// <summary>Accounts of workers that are gone.</summary>
    public ValueList<WorkerAccount> GoneAccounts { get; init; } = [];

    /// <summary>Lives that are over of workers that had a place, since the job was last placed.</summary>
    public ValueList<WorkerKey> GoneLives { get; init; } = [];

    /// <summary>Seconds that the places of a smaller layout were without a worker, until a moment, as far as no event has told of them.</summary>
    public double MissingUntil(Timestamp time) => MissingWorkerSeconds
        + (TrainingSince is { } since && Target is { } target ? (target.NumWorkers - Trained.Count) * Math.Max(0, (time - since).ToTimeSpan().TotalSeconds) : 0);

    /// <summary>After an event of a job whose record was <paramref name="before"/>; those that do not concern generations change nothing.</summary>
    public GenerationRecord Apply(IJobEvent happened, JobRecord before) => happened switch
    {
        JobPrepared { Resume.Checkpoint: { } checkpoint } => this with { Stretches = [.. checkpoint.Layouts] },
        JobPlaced placed => After(placed, before),
        GenerationEnded ended => After(ended, before),
        WorkerGivenUp given => this with { GivenUp = [.. GivenUp, WorkerKey.Of(given.Worker)] },
        TrainingStarted started => this with
        {
            Reasons = [],
            EndedAt = null,
            SilentSeconds = 0,
            IsUnplanned = false,
            Givers = [],
            Trained = [.. before.Placement!.Ranks.Select(rank => rank.Worker)],
            TrainingSince = started.Time,
            MissingWorkerSeconds = started.MissingWorkerSeconds > 0 ? 0 : MissingWorkerSeconds,
        },
        StepCommitted when before.State == JobState.Running => this with { LossesInARow = 0, Accused = [] },
        _ => this,
    };

    /// <summary>The stretches up to the newest step.</summary>
    public IEnumerable<LayoutStretch> StretchesUpTo(ulong step, JobPlacement placement) => step > FromStep
        ? [.. Stretches, Stretch(placement, FromStep + 1, step)]
        : Stretches;

    private GenerationRecord After(JobPlaced placed, JobRecord before)
    {
        IEnumerable<LayoutStretch> stretches = Stretches;
        if (before.Placement is { } old && Placements > 0)
        {
            // Steps that are gone back to are run again on the new layout.
            stretches = Stretches.Append(Stretch(old, FromStep + 1, before.CommittedStep)).Where(stretch => stretch.FirstStep <= placed.FromStep && stretch.FirstStep <= stretch.LastStep)
                .Select(stretch => Cut(stretch, placed.FromStep));
        }

        return this with
        {
            Number = placed.Generation,
            Placed = placed.Generation,
            Placements = Placements + 1,
            Target = Target ?? new LayoutTarget((int)placed.NumReplicas, [.. placed.Stages.Take((int)placed.NumStages).Select(stage => (int)(stage.LastLayer - stage.FirstLayer + 1))]),
            FromStep = placed.FromStep,
            StepsRepeated = placed.StepsRepeated,
            Transfers = [.. placed.Transfers],
            Givers = [.. placed.Givers.Select(WorkerKey.Of)],
            Verdicts = [.. placed.Verdicts],
            GoneLives = [],
            Stretches = [.. stretches],
        };
    }

    private GenerationRecord After(GenerationEnded ended, JobRecord before)
    {
        var worker = ended.Worker is { } identity ? WorkerKey.Of(identity) : default;
        // A loss while no step is under way is no step's doing.
        var isLoss = ended.End is GenerationEnd.Lost && before.State == JobState.Running;
        return this with
        {
            Number = ended.Generation + 1,
            Reasons = [.. Reasons, ended.Reason],
            EndedAt = EndedAt ?? ended.Time,
            SilentSeconds = EndedAt is null ? ended.SilentSeconds : SilentSeconds,
            IsUnplanned = IsUnplanned || ended.End is not (GenerationEnd.Growth or GenerationEnd.Drained),
            MissingWorkerSeconds = MissingUntil(ended.Time),
            TrainingSince = null,
            LossesInARow = !isLoss ? LossesInARow : ended.Step == LossStep ? LossesInARow + 1 : 1,
            LossStep = isLoss ? ended.Step : LossStep,
            Accused = ended is { End: GenerationEnd.Unreachable, Worker: not null } ? [.. Accused, worker] : Accused,
            GivenUp = ended.GivenUp ? [.. GivenUp, worker] : GivenUp,
            GoneLives = ended.End is GenerationEnd.Lost or GenerationEnd.Left ? [.. GoneLives, worker] : GoneLives,
            GoneAccounts = ended.Account is { } account ? [.. GoneAccounts, account] : GoneAccounts,
        };
    }

    private static LayoutStretch Cut(LayoutStretch stretch, ulong last)
    {
        var cut = stretch.Clone();
        cut.LastStep = Math.Min(cut.LastStep, last);
        return cut;
    }

    private static LayoutStretch Stretch(JobPlacement placement, ulong first, ulong last) => new()
    {
        Generation = placement.Generation,
        FirstStep = first,
        LastStep = last,
        Replicas = (uint)placement.NumReplicas,
        Stages = (uint)placement.NumStages,
    };
}
