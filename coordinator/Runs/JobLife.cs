using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A job's life: what each message leads to.</summary>
/// <remarks>
/// <code>
/// queued    submitted; model and data are read            --Prepared-->          planning
/// planning  waits for enough workers of one class         --FleetSnapshot-->     loading
/// loading   LoadStage to all, StartGeneration, all ready  --GenerationReady-->   running
/// running   windows, reports, commits, evaluations,
///           states saved, checkpoints                     --last step-->         finishing
/// finishing the last checkpoint, adapter written of it    --AdapterExported-->   succeeded
/// loading, running, finishing
///           --a member is lost, leaves or cannot be reached; the coordinator was
///           started again; at a step's boundary: members join or leave-->        recovering
/// recovering JoinGeneration, the agreed step, a placement, LoadStage,
///           StartGeneration, all ready                    --GenerationReady-->   running
/// any       --PreparationFailed, a member's WorkerFailure, a broken rule, a step that ends
///           its workers, an error of the program-->                              failed
///           (planning: also when all workers that will ever come are attached and cannot serve the job, or one that is waited for cannot start)
/// any       --CancelJob--> (running: HoldSteps, StepsHeld, a checkpoint of the
///           step that was under way)                                             cancelled
/// planning  (--resume) the run is finished already                               succeeded
/// </code>
/// Pure: no clock, no file, no randomness; no exception leaves it. The caller persists the events, and only then does the effects.
/// </remarks>
internal static class JobLife
{
    public static JobDecision Decide(JobRecord record, JobSession session, object input, DateTimeOffset now)
    {
        var turn = new JobTurn(record, session, now);
        try
        {
            OnMessage(turn, input);
        }
        catch (Exception fault)
        {
            // An actor that is started again by the same message would decide the same, for ever. Nothing of the broken turn is kept.
            turn = new JobTurn(record, session, now);
            Break(turn, fault);
        }

        return turn.End();
    }

    private static void Break(JobTurn turn, Exception fault)
    {
        turn.Fault = fault;
        if (turn.Record is { IsSubmitted: true, HasEnded: false })
        {
            JobEnding.FailByFault(turn, JobFault.Sentence($"The job failed {JobEnding.Moment(turn.Record)}", fault));
        }
    }

    private static void OnMessage(JobTurn turn, object input)
    {
        var record = turn.Record;
        switch (input)
        {
            case JobInput.Submitted submitted when !record.IsSubmitted:
                JobAdmission.Submit(turn, submitted);
                break;
            case JobInput.Recovered when record.IsSubmitted && !record.HasEnded:
                JobAdmission.GoOn(turn);
                break;
            case WorkerLost lost when !record.HasEnded:
                JobRecovery.OnLost(turn, lost);
                break;
            case FleetUnavailable unavailable when record.IsSubmitted && !record.HasEnded:
                JobEnding.Miss(turn, unavailable);
                break;
            case FleetLimit limit:
                turn.Session = turn.Session with { MaxWorkers = limit.MaxWorkers };
                OnFleet(turn);
                break;
            case FleetSnapshot fleet:
                turn.Session = turn.Session with { Fleet = fleet };
                OnFleet(turn);
                break;
            case FromWorker message:
                OnWorkerMessage(turn, message);
                break;
            case CancelJob when record.IsSubmitted && !record.HasEnded:
                JobStopping.RequestCancel(turn);
                break;
            default:
                if (!record.HasEnded)
                {
                    OnOwnMessage(turn, input);
                }

                break;
        }
    }

    private static void OnFleet(JobTurn turn)
    {
        if (turn.Record.HasEnded)
        {
            return;
        }

        if (turn.Record.Placement is null)
        {
            JobLoading.TryPlace(turn);
        }
        else
        {
            JobRecovery.OnFleet(turn);
        }
    }

    private static void OnOwnMessage(JobTurn turn, object input)
    {
        switch (input)
        {
            case JobInput.PreparationProgressed progress:
                turn.Session = turn.Session with { Progress = progress.Text };
                break;
            case JobInput.Prepared prepared:
                JobAdmission.Prepared(turn, prepared.Material, prepared.Resume);
                break;
            case JobInput.PreparationFailed failed:
                turn.Fault = failed.Fault;
                JobEnding.Fail(turn, failed.Reason, invalid: failed.Invalid);
                break;
            case JobInput.CheckpointMade made:
                JobCheckpointing.OnWritten(turn, made.Manifest);
                break;
            case JobInput.AdapterExported exported:
                JobFinishing.Succeed(turn, exported.Folder);
                break;
            case JobInput.PeerFailureStands stands:
                PeerTrouble.OnStanding(turn, stands);
                break;
            case JobInput.ReattachOver:
                JobRecovery.OnReattachOver(turn);
                break;
            case JobInput.LifePatienceOver over:
                JobRecovery.OnLifePatienceOver(turn, over);
                break;
            case JobInput.DrainPatienceOver over:
                JobChanges.OnDrainPatienceOver(turn, over);
                break;
            case JobInput.PublicationFailed failed:
                turn.Fault = failed.Fault;
                JobEnding.Fail(turn, failed.Reason);
                break;
        }
    }

    private static void OnWorkerMessage(JobTurn turn, FromWorker from)
    {
        var (scope, message) = (from.Message.JobScope, from.Message);
        if (scope is null || turn.Record.Placement is not { } placement || turn.Record.HasEnded || scope.Fence != turn.Record.Fence || !IsOfNow(turn.Record, scope, message))
        {
            turn.DropStale($"{message.BodyCase} of {from.Key} (generation {scope?.Generation}, fence {scope?.Fence})");
        }
        else if (message.BodyCase == WorkerMessage.BodyOneofCase.Joined)
        {
            JobRecovery.OnJoined(turn, from.Key, message.Joined);
        }
        else if (message.BodyCase == WorkerMessage.BodyOneofCase.StageLoad && turn.Session.Told.Contains(from.Key))
        {
            JobLoading.OnLoad(turn, from.Key, message.StageLoad);
        }
        else if (message.BodyCase == WorkerMessage.BodyOneofCase.Failure && turn.Session.Told.Contains(from.Key))
        {
            JobEnding.OnFailure(turn, from.Key, message.Failure);
        }
        else if (placement.Of(from.Key) is { } rank)
        {
            OnMemberMessage(turn, rank, message);
        }
        else
        {
            turn.DropStale($"{message.BodyCase} of {from.Key}, which has no place");
        }
    }

    // What survivors still have to report of a generation that has ended counts until the next one is placed. So does that a worker has failed by itself: it answers nothing more.
    private static bool IsOfNow(JobRecord record, JobScope scope, WorkerMessage message) => scope.Generation == record.Generations.Number
        || (record.IsJoining && scope.Generation == record.Generations.Placed
            && (message.BodyCase is WorkerMessage.BodyOneofCase.Step or WorkerMessage.BodyOneofCase.Evaluation or WorkerMessage.BodyOneofCase.StateSaved
                || message.Failure is { Failure.Code: not ErrorCode.PeerUnreachable }));

    private static void OnMemberMessage(JobTurn turn, RankPlacement rank, WorkerMessage message)
    {
        switch (message.BodyCase)
        {
            case WorkerMessage.BodyOneofCase.GenerationReady:
                JobLoading.OnReady(turn, rank, message.GenerationReady);
                break;
            case WorkerMessage.BodyOneofCase.Step:
                JobStepping.OnStep(turn, rank, message.Step);
                break;
            case WorkerMessage.BodyOneofCase.Evaluation:
                JobEvaluation.OnReport(turn, rank, message.Evaluation);
                break;
            case WorkerMessage.BodyOneofCase.StateSaved:
                JobCheckpointing.OnSaved(turn, rank, message.StateSaved);
                break;
            case WorkerMessage.BodyOneofCase.Held:
                JobStopping.OnHeld(turn, message.Held);
                break;
        }
    }
}
