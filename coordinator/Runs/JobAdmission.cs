namespace Orchestrator.Coordinator.Runs;

/// <summary>From a checked request to a job that waits for workers.</summary>
internal static class JobAdmission
{
    public static void Submit(JobTurn turn, JobInput.Submitted submitted)
    {
        turn.Raise(new JobSubmitted
        {
            Request = submitted.Request,
            Name = submitted.Spec.Name,
            Output = submitted.Spec.Output,
            Resolved = submitted.ResolvedYaml,
        });
        turn.Do(new JobEffect.Prepare());
    }

    public static void Prepared(JobTurn turn, JobMaterial material, ResumePoint? resume)
    {
        turn.Session = turn.Session with { Material = material, Progress = "" };
        if (material.Findings.Count > 0)
        {
            turn.Note = string.Join(' ', material.Findings.Select(finding => finding.Message)).TrimEnd('.');
        }

        if (JobLoading.Impossible(material) is { } reason)
        {
            JobEnding.Fail(turn, reason, invalid: true);
            return;
        }

        if (turn.Record.IsPrepared && turn.Record.JobHash != material.JobHash)
        {
            JobEnding.Fail(turn, "The coordinator was started again, and the model or the data are not what they were when the job began: put them back, then go on with --resume.");
            return;
        }

        if (!turn.Record.IsPrepared)
        {
            turn.Raise(new JobPrepared
            {
                StepsPlanned = material.Steps.TotalSteps,
                JobHash = material.JobHash,
                Train = material.Data.Train.Shard,
                Evaluation = material.Data.Eval?.Shard,
                Resume = resume,
            });
        }

        if (turn.Record.Resume is { Finished: true })
        {
            JobFinishing.Succeed(turn, Path.Combine(turn.Record.Output, RunFolder.AdapterFolderName));
            return;
        }

        JobCheckpointing.DeleteOlder(turn);
        if (turn.Record.IsJoining)
        {
            JobRecovery.AwaitMembers(turn);
            return;
        }

        turn.Do(new JobEffect.SubscribeToFleet());
        JobFinishing.ExportIfSaved(turn);
    }

    /// <summary>Goes on after the entity was started again: model and data are read anew; workers that served the job are asked for their states and reports.</summary>
    public static void GoOn(JobTurn turn)
    {
        turn.Do(new JobEffect.Prepare());
        if (turn.Record.Placement is not null && !JobFinishing.IsSaved(turn))
        {
            JobRecovery.Reawaken(turn);
        }
    }
}
