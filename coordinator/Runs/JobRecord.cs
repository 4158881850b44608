using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What the journal knows of a job: the fold of its events and nothing else.</summary>
/// <remarks>
/// Immutable and compared by value. <see cref="Apply"/> is pure: the event carries its time, so the same journal gives the same record on
/// any node at any time. What a job knows beyond it, and may lose, is its <see cref="JobSession"/>.
/// </remarks>
internal sealed record JobRecord
{
    public static readonly JobRecord Empty = new();

    public JobState State { get; init; }
    public string Reason { get; init; } = "";
    public SubmitJobRequest? Request { get; init; }
    public string Name { get; init; } = "";
    public string Output { get; init; } = "";
    public string Resolved { get; init; } = "";
    public ulong Fence { get; init; }
    public ulong StepsPlanned { get; init; }
    public string JobHash { get; init; } = "";
    public bool IsPrepared { get; init; }
    public bool HasEvaluation { get; init; }
    public JobPlacement? Placement { get; init; }

    /// <summary>Membership from one placement to the next.</summary>
    public GenerationRecord Generations { get; init; } = GenerationRecord.Empty;

    /// <summary>Workers that commands may be sent to, each under the fence of that life of the entity.</summary>
    public ValueList<BoundWorker> Bound { get; init; } = [];

    /// <summary>The newest generation whose workers were told of each other; 0: none.</summary>
    public ulong StartedGeneration { get; init; }

    /// <summary>The last step that workers have authority over; 0: none.</summary>
    public ulong LastOpenedStep { get; init; }

    /// <summary>Where the run of an earlier job goes on; null: this one began it.</summary>
    public ResumePoint? Resume { get; init; }

    /// <summary>The newest step that this job has committed; null: none yet.</summary>
    public StepCommitted? LastStep { get; init; }

    /// <summary>The steps that a repeated one can be compared with.</summary>
    public StepLedger Ledger { get; init; } = StepLedger.Empty;

    /// <summary>The newest checkpoint; null: there is none.</summary>
    public CheckpointManifest? Checkpoint { get; init; }

    /// <summary>The step of the newest checkpoint; 0: there is none.</summary>
    public ulong LastCheckpoint => Checkpoint?.Step ?? 0;

    /// <summary>Why the job fails once its newest step is saved; empty: it does not.</summary>
    public string FailureReason { get; init; } = "";

    public int SkippedInARow { get; init; }
    public ulong TokensTrained { get; init; }
    public double SecondsTrained { get; init; }
    public EvaluationPoint? FirstEvaluation { get; init; }
    public EvaluationPoint? LastEvaluation { get; init; }

    /// <summary>The one with the least loss, the earliest of equal ones.</summary>
    public EvaluationPoint? BestEvaluation { get; init; }

    public bool CancelRequested { get; init; }
    public bool IsInvalid { get; init; }
    public bool IsFault { get; init; }
    public string Adapter { get; init; } = "";
    public ValueList<WorkerAccount> FinalAccounts { get; init; } = [];
    public Timestamp? Time { get; init; }

    public bool IsSubmitted => Request is not null;

    public bool HasEnded => JobStates.HasEnded(State);

    /// <summary>The step that the run went on from; 0: it began at step 1.</summary>
    public ulong ResumedStep => Resume is { Finished: true } ? StepsPlanned : Resume?.Checkpoint?.Step ?? 0;

    public ulong CommittedStep => LastStep?.Step ?? ResumedStep;

    /// <summary>Whether a generation has ended and the next one is not placed yet.</summary>
    public bool IsJoining => State == JobState.Recovering && Generations.Number != Generations.Placed;

    /// <summary>The record after an event.</summary>
    /// <exception cref="ArgumentException">The event is not one of a job's journal.</exception>
    public JobRecord Apply(IJobEvent happened)
    {
        var next = happened switch
        {
            OwnershipTaken e => this with { Fence = e.Fence },
            JobSubmitted e => this with
            {
                State = JobState.Queued,
                Reason = "The model and the data are being read.",
                Request = e.Request,
                Name = e.Name,
                Output = e.Output,
                Resolved = e.Resolved,
            },
            JobPrepared e => GoingOn(e.Resume) with
            {
                State = JobState.Planning,
                Reason = e.Resume is { Finished: true } ? ResumeDecision.Sentence(e.Resume, e.StepsPlanned) : "",
                IsPrepared = true,
                StepsPlanned = e.StepsPlanned,
                JobHash = e.JobHash,
                HasEvaluation = e.Evaluation is not null,
            },
            JobWaits e => this with { Reason = e.Reason },
            JobPlaced e => this with { State = State == JobState.Recovering ? State : JobState.Loading, Reason = "", Placement = PlacementOf(e), LastOpenedStep = e.FromStep },
            GenerationEnded e => this with { State = JobState.Recovering, Reason = e.Reason },
            WorkerBound e => this with { Bound = [.. Bound, new BoundWorker(WorkerKey.Of(e.Worker), e.Fence)] },
            WorkerGivenUp => this,
            GenerationStarted e => this with { StartedGeneration = e.Generation },
            TrainingStarted => this with { State = JobState.Running, Reason = "" },
            WindowOpened e => this with { LastOpenedStep = e.Steps[^1].Step },
            StepCommitted e => this with
            {
                LastStep = e,
                Ledger = Ledger.With(e),
                SkippedInARow = e.Applied ? 0 : SkippedInARow + 1,
                TokensTrained = TokensTrained + e.Tokens,
                SecondsTrained = SecondsTrained + e.StepSeconds,
            },
            StepEvaluated e => Evaluated(new EvaluationPoint { Step = e.Step, Loss = e.Loss, LabelTokens = e.LabelTokens }),
            CheckpointWritten e => this with { Checkpoint = e.Manifest ?? new CheckpointManifest { Step = e.Step }, Ledger = Ledger.From(e.Step) },
            FailureDecided e => this with { FailureReason = e.Reason },
            FinishStarted => this with { State = JobState.Finishing },
            JobSucceeded e => this with { State = JobState.Succeeded, Adapter = e.Adapter, FinalAccounts = [.. e.Workers] },
            JobFailed e => this with { State = JobState.Failed, Reason = e.Reason, IsInvalid = e.Invalid, IsFault = e.Fault, FinalAccounts = [.. e.Workers] },
            Runs.CancelRequested => this with { CancelRequested = true },
            JobCancelled e => this with { State = JobState.Cancelled, FinalAccounts = [.. e.Workers] },
            _ => throw new ArgumentException($"{happened.GetType().Name} is no event of a job.", nameof(happened)),
        };
        return next with { Time = happened.Time, Generations = Generations.Apply(happened, this) };
    }

    private JobRecord GoingOn(ResumePoint? resume) => resume?.Checkpoint is { } checkpoint
        ? this with
        {
            Resume = resume,
            LastOpenedStep = checkpoint.Step,
            Checkpoint = checkpoint,
            SkippedInARow = (int)checkpoint.SkippedInARow,
            TokensTrained = checkpoint.Tokens,
            SecondsTrained = checkpoint.Seconds,
            FirstEvaluation = checkpoint.FirstEvaluation,
            LastEvaluation = checkpoint.LastEvaluation,
            BestEvaluation = checkpoint.BestEvaluation,
        }
        : this with { Resume = resume, FirstEvaluation = resume?.FirstEvaluation, LastEvaluation = resume?.LastEvaluation };

    private JobRecord Evaluated(EvaluationPoint evaluation) => this with
    {
        FirstEvaluation = FirstEvaluation ?? evaluation,
        LastEvaluation = evaluation,
        BestEvaluation = BestEvaluation is { } best && !(evaluation.Loss < best.Loss) && !double.IsNaN(best.Loss) ? best : evaluation,
    };

    private static JobPlacement PlacementOf(JobPlaced placed) => new(
        placed.Generation, placed.NumericClass, placed.ComputeDtype, (int)placed.NumReplicas, (int)placed.NumStages,
        [.. placed.Stages.Select((stage, rank) => new RankPlacement(
            rank, (int)stage.Place.Replica, (int)stage.Place.Stage, WorkerKey.Of(stage.Worker),
            (int)stage.FirstLayer, (int)stage.LastLayer))]);
}
