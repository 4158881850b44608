using System.Collections.Immutable;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Windows of steps, and the reports that commit them.</summary>
/// <remarks>
/// A step is committed when every rank has reported it; its evaluation is complete when the last stages' reports cover the split. Reports
/// of one worker come in order, so step N's evaluation is complete before N + 1 can be committed.
/// </remarks>
internal static class JobStepping
{
    private const int WindowSteps = 32;

    /// <summary>How many committed steps are kept to compare repeated reports with.</summary>
    private const int RememberedSteps = WindowSteps;

    /// <summary>Gives the workers authority over the next steps.</summary>
    public static void OpenWindow(JobTurn turn)
    {
        var steps = turn.Material.Steps;
        var first = turn.Record.LastOpenedStep + 1;
        var last = Math.Min(turn.Record.StepsPlanned, turn.Record.LastOpenedStep + WindowSteps);
        var evaluates = IsEvaluationDue(turn);
        if (first > last && !evaluates)
        {
            return;
        }

        var window = new StepWindow { Scope = turn.Scope, EvaluateBefore = evaluates, EvaluateBeforeStep = evaluates ? turn.Record.ResumedStep : 0 };
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

    // Before the first step, and where a run goes on from a checkpoint that was made before its own step's evaluation.
    private static bool IsEvaluationDue(JobTurn turn)
    {
        var record = turn.Record;
        return record.HasEvaluation && record.LastOpenedStep == record.ResumedStep && record.LastEvaluation?.Step != record.ResumedStep
            && (record.ResumedStep == 0 || turn.Material.Steps.EvaluatesAfter(record.ResumedStep));
    }

    public static void OnStep(JobTurn turn, RankPlacement rank, StepReport report)
    {
        var known = turn.Session.Reports.GetValueOrDefault(report.Step, ImmutableSortedDictionary<int, StepReport>.Empty);
        if (known.TryGetValue(rank.Rank, out var earlier))
        {
            RefuseUnlessEqual(turn, rank, earlier.Equals(report), $"step {report.Step}");
            return;
        }

        if (!turn.Session.OpenSteps.ContainsKey(report.Step))
        {
            turn.DropStale($"step {report.Step} of {rank.Worker}");
            return;
        }

        turn.Session = turn.Session with
        {
            Reports = turn.Session.Reports.SetItem(report.Step, known.Add(rank.Rank, report)),
            Totals = report.Totals is null ? turn.Session.Totals : turn.Session.Totals.SetItem(rank.Rank, report.Totals),
        };
        CommitWhileWhole(turn);
    }

    public static void OnEvaluation(JobTurn turn, RankPlacement rank, EvaluationReport report)
    {
        var known = turn.Session.Evaluations.GetValueOrDefault(report.Step, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport>.Empty);
        var part = (rank.Rank, report.Losses.Count > 0 ? report.Losses[0].Sample : uint.MaxValue);
        if (known.TryGetValue(part, out var earlier))
        {
            RefuseUnlessEqual(turn, rank, earlier.Equals(report), $"the evaluation after step {report.Step}");
            return;
        }

        if (turn.Record.LastEvaluation is { } last && report.Step <= last.Step)
        {
            turn.DropStale($"evaluation after step {report.Step} of {rank.Worker}");
            return;
        }

        turn.Session = turn.Session with { Evaluations = turn.Session.Evaluations.SetItem(report.Step, known.Add(part, report)) };
        EvaluateIfWhole(turn, report.Step);
    }

    private static void CommitWhileWhole(JobTurn turn)
    {
        while (!turn.Record.HasEnded && turn.Session.Reports.TryGetValue(turn.Record.CommittedStep + 1, out var reports)
            && reports.Count == turn.Placement.Ranks.Count)
        {
            Commit(turn, turn.Session.OpenSteps[turn.Record.CommittedStep + 1], reports);
        }
    }

    private static void Commit(JobTurn turn, Step step, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var verdict = StepVerification.Check(step, turn.Placement, reports);
        if (verdict.Problem is { } problem)
        {
            JobEnding.Fail(turn, problem);
            return;
        }

        var committed = new StepCommitted
        {
            Generation = turn.Placement.Generation,
            Step = step.Number,
            Applied = verdict.Applied,
            Loss = verdict.Loss,
            GradNorm = verdict.GradNorm,
            LearningRate = turn.Material.Steps.LearningRateAt(step.Number),
            LabelTokens = step.LabelTokens,
            Tokens = turn.Material.Steps.TokensOf(step.Number),
            StepSeconds = SecondsOf(turn, reports),
            Epoch = turn.Material.Steps.EpochAfter(step.Number),
        };
        committed.StateHashes.AddRange(verdict.StateHashes);
        turn.Raise(committed);
        turn.Session = turn.Session with
        {
            OpenSteps = turn.Session.OpenSteps.Remove(step.Number),
            LastCommitAt = turn.Now,
            Reports = step.Number > RememberedSteps ? turn.Session.Reports.Remove(step.Number - RememberedSteps) : turn.Session.Reports,
        };
        AfterCommit(turn);
    }

    private static void AfterCommit(JobTurn turn)
    {
        // A limit of 0 tolerates no skipped step; a step that was applied never ends a job.
        var skipped = turn.Record.SkippedInARow;
        if (skipped > 0 && skipped >= turn.Material.Spec.Training.MaxSkippedSteps)
        {
            JobEnding.Fail(turn, $"{skipped} {(skipped == 1 ? "step" : "steps")} in a row, up to step {turn.Record.CommittedStep}, {(skipped == 1 ? "was" : "were")} skipped because a gradient was not finite: "
                + "lower training.learning_rate or look at the data, or raise training.max_skipped_steps.");
        }
        else
        {
            JobCheckpointing.OnCommitted(turn);
            GoOn(turn);
        }
    }

    private static void GoOn(JobTurn turn)
    {
        if (!turn.Record.HasEnded && !turn.Record.CancelRequested && turn.Record.CommittedStep + (WindowSteps / 2) >= turn.Record.LastOpenedStep)
        {
            OpenWindow(turn);
        }

        JobFinishing.StartIfDone(turn);
    }

    private static void EvaluateIfWhole(JobTurn turn, ulong step)
    {
        var reports = turn.Session.Evaluations[step];
        var expected = turn.Material.Steps.Evaluation.Sum(microBatch => microBatch.Samples.Count);
        var (loss, labelTokens, problem) = EvaluationLoss.Combine(reports.Values, expected);
        if (problem is not null)
        {
            JobEnding.Fail(turn, $"{problem} (evaluation after step {step})");
        }
        else if (loss is { } value)
        {
            turn.Raise(new StepEvaluated { Step = step, Loss = value, LabelTokens = labelTokens });
            // The newest stays to compare repeated reports with; those of older steps are dropped as stale.
            turn.Session = turn.Session with { Evaluations = turn.Session.Evaluations.RemoveRange(turn.Session.Evaluations.Keys.Where(older => older < step)) };
            JobFinishing.StartIfDone(turn);
        }
    }

    private static void RefuseUnlessEqual(JobTurn turn, RankPlacement rank, bool equal, string what)
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
