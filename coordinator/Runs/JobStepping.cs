using System.Collections.Immutable;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Windows of steps, and the reports that commit them.</summary>
/// <remarks>
/// A step is committed when every rank has reported it; once its generation has ended, when one survivor has. A step that was committed before and is run again is compared
/// with what was committed, and published no second time. Reports of one worker come in order, so step N's evaluation is complete before N + 1 can be committed.
/// </remarks>
internal static class JobStepping
{
    private const int WindowSteps = 32;

    /// <summary>How many committed steps are kept to compare repeated reports with.</summary>
    private const int RememberedSteps = WindowSteps;

    /// <summary>Gives the workers authority over the next steps.</summary>
    public static void OpenWindow(JobTurn turn)
    {
        var (record, steps) = (turn.Record, turn.Material.Steps);
        // A job that stops only runs again what was committed before.
        var end = JobStopping.IsStopping(record) ? record.CommittedStep : record.StepsPlanned;
        var (first, last) = (record.LastOpenedStep + 1, Math.Min(end, record.LastOpenedStep + WindowSteps));
        var evaluates = IsEvaluationDue(turn);
        if (first > last && !evaluates)
        {
            return;
        }

        var window = new StepWindow { Scope = turn.Scope, EvaluateBefore = evaluates, EvaluateBeforeStep = evaluates ? record.Generations.FromStep : 0 };
        var opened = new WindowOpened { Generation = turn.Placement.Generation };
        for (var number = first; number <= last; number++)
        {
            var step = steps.StepAt(number);
            window.Steps.Add(step);
            opened.Steps.Add(Numbers(step));
        }

        if (window.EvaluateBefore || window.Steps.Any(step => step.EvaluateAfter))
        {
            window.Evaluation.AddRange(steps.Evaluation);
        }

        if (opened.Steps.Count > 0)
        {
            turn.Raise(opened);
        }

        turn.Session = turn.Session with { OpenSteps = turn.Session.OpenSteps.AddRange(window.Steps.Select(step => KeyValuePair.Create(step.Number, step))) };
        foreach (var rank in turn.Placement.Ranks)
        {
            var own = window.Clone();
            own.CheckpointFolder = JobCheckpointing.IsSaver(rank) ? JobCheckpointing.Store(turn.Record).Folder : "";
            turn.Send(rank.Worker, new CoordinatorMessage { Window = own });
        }
    }

    // Before a generation's first step: that of step 0, and where the one after the step that it goes on from was not made or was broken off.
    private static bool IsEvaluationDue(JobTurn turn)
    {
        var (record, from) = (turn.Record, turn.Record.Generations.FromStep);
        return record.HasEvaluation && record.LastOpenedStep == from && !JobStopping.IsStopping(record)
            && (record.LastEvaluation is null || record.LastEvaluation.Step < from) && (from == 0 || turn.Material.Steps.EvaluatesAfter(from));
    }

    public static void OnStep(JobTurn turn, RankPlacement rank, StepReport report)
    {
        var known = turn.Session.Reports.GetValueOrDefault(report.Step, ImmutableSortedDictionary<int, StepReport>.Empty);
        if (known.TryGetValue(rank.Rank, out var earlier))
        {
            RefuseUnlessEqual(turn, rank, SameButForTheFence(earlier, report), $"step {report.Step}");
            return;
        }

        if (!IsOpen(turn, report.Step))
        {
            turn.DropStale($"step {report.Step} of {rank.Worker}");
            return;
        }

        turn.Session = turn.Session with
        {
            Reports = turn.Session.Reports.SetItem(report.Step, known.Add(rank.Rank, report)),
            Totals = report.Totals is null ? turn.Session.Totals : turn.Session.Totals.SetItem(rank.Worker, report.Totals),
        };
        AccountWhileWhole(turn);
    }

    /// <summary>The last step, that is committed or that a survivor's reports account for.</summary>
    public static ulong LastAccountable(JobTurn turn)
    {
        var step = turn.Record.CommittedStep;
        while (IsOpen(turn, step + 1) && turn.Session.Reports.ContainsKey(step + 1))
        {
            step++;
        }

        return step;
    }

    /// <summary>Commits every step up to this one from whatever reports there are; their generation has ended.</summary>
    public static void CommitUpTo(JobTurn turn, ulong last)
    {
        while (!turn.Record.HasEnded && turn.Record.CommittedStep < last)
        {
            Commit(turn, StepOf(turn, turn.Record.CommittedStep + 1), turn.Session.Reports[turn.Record.CommittedStep + 1]);
        }
    }

    private static bool IsOpen(JobTurn turn, ulong step) => turn.Session.OpenSteps.ContainsKey(step)
        || (turn.Record.IsJoining && step > turn.Record.CommittedStep && step <= turn.Record.LastOpenedStep);

    // A coordinator that was started again has the numbers of opened steps in its plan.
    private static Step StepOf(JobTurn turn, ulong step) => turn.Session.OpenSteps.GetValueOrDefault(step) ?? turn.Material.Steps.StepAt(step);

    private static void AccountWhileWhole(JobTurn turn)
    {
        while (!turn.Record.HasEnded && turn.Session.Reports.TryGetValue((turn.Session.Repeated ?? turn.Record.CommittedStep) + 1, out var reports)
            && reports.Count == turn.Placement.Ranks.Count)
        {
            if (turn.Session.Repeated is { } repeated)
            {
                Compare(turn, StepOf(turn, repeated + 1), reports);
            }
            else
            {
                Commit(turn, StepOf(turn, turn.Record.CommittedStep + 1), reports);
            }
        }
    }

    /// <summary>A step that is run again comes to what was committed, or the job fails.</summary>
    private static void Compare(JobTurn turn, Step step, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var outcome = StepVerification.Check(step, turn.Placement, reports);
        if ((outcome.Problem ?? RepeatedStep.Difference(turn, step.Number, outcome, reports)) is { } problem)
        {
            JobEnding.Fail(turn, problem);
            return;
        }

        Close(turn, step.Number);
        turn.Session = turn.Session with { Repeated = step.Number < turn.Record.CommittedStep ? step.Number : null };
        JobStopping.OnRepeated(turn);
        JobCheckpointing.OnRepeated(turn);
        GoOn(turn);
    }

    private static void Commit(JobTurn turn, Step step, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var outcome = StepVerification.Check(step, turn.Placement, reports);
        if ((outcome.Problem ?? RepeatedStep.Difference(turn, step.Number, outcome, reports)) is { } problem)
        {
            JobEnding.Fail(turn, problem);
            return;
        }

        var committed = new StepCommitted
        {
            Generation = turn.Placement.Generation,
            Step = step.Number,
            Applied = outcome.Applied,
            Loss = outcome.Loss,
            GradNorm = outcome.GradNorm,
            LearningRate = turn.Material.Steps.LearningRateAt(step.Number),
            LabelTokens = step.LabelTokens,
            Tokens = turn.Material.Steps.TokensOf(step.Number),
            StepSeconds = SecondsOf(turn, reports),
            Epoch = turn.Material.Steps.EpochAfter(step.Number),
            StateHash = outcome.StateHash,
        };
        committed.StateHashes.AddRange(outcome.StateHashes);
        committed.Workers.AddRange(reports.Keys.Select(rank => turn.Placement.Ranks[rank].Worker.WorkerId));
        turn.Raise(committed);
        Close(turn, step.Number);
        turn.Session = turn.Session with { LastCommitAt = turn.Now };
        JobStopping.OnCommitted(turn);
        JobCheckpointing.OnCommitted(turn);
        JobEvaluation.OnCommitted(turn);
        GoOn(turn);
    }

    private static void Close(JobTurn turn, ulong step) => turn.Session = turn.Session with
    {
        OpenSteps = turn.Session.OpenSteps.Remove(step),
        Earlier = turn.Session.Earlier.Remove(step),
        Reports = step > RememberedSteps ? turn.Session.Reports.Remove(step - RememberedSteps) : turn.Session.Reports,
    };

    private static void GoOn(JobTurn turn)
    {
        if (turn.Record.State != JobState.Running)
        {
            return;
        }

        if (!JobStopping.IsStopping(turn.Record) && (turn.Session.Repeated ?? turn.Record.CommittedStep) + (WindowSteps / 2) >= turn.Record.LastOpenedStep)
        {
            OpenWindow(turn);
        }

        JobChanges.ChangeIfHeld(turn);
        JobFinishing.StartIfDone(turn);
    }

    /// <summary>A worker that says something twice says the same.</summary>
    public static void RefuseUnlessEqual(JobTurn turn, RankPlacement rank, bool equal, string what)
    {
        if (equal)
        {
            turn.DropStale($"{rank.Worker} repeated {what}");
        }
        else
        {
            JobEnding.Fail(turn, $"nondeterminism detected: {rank.Worker} reported {what} twice and not the same.", rank.Worker.WorkerId);
        }
    }

    // A report that is sent again to a coordinator that was started again carries its fence.
    private static bool SameButForTheFence(StepReport earlier, StepReport repeated)
    {
        if (earlier.Scope?.Fence == repeated.Scope?.Fence)
        {
            return earlier.Equals(repeated);
        }

        var copy = repeated.Clone();
        copy.Scope = earlier.Scope;
        return earlier.Equals(copy);
    }

    // The slowest worker's own measure, which holds no evaluation; else the time between two commits.
    private static double SecondsOf(JobTurn turn, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var measured = reports.Values.Max(report => report.Phases?.Total ?? 0);
        return measured > 0 ? measured : (turn.Now - turn.Session.LastCommitAt).TotalSeconds;
    }

    private static StepNumbers Numbers(Step step) => new()
    {
        Step = step.Number,
        LearningRate = step.LearningRate,
        BiasCorrection1 = step.BiasCorrection1,
        BiasCorrection2 = step.BiasCorrection2,
        LabelTokens = step.LabelTokens,
    };
}
