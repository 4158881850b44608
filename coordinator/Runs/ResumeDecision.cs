using Orchestrator.Coordinator.Placement;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Where a run goes on, and what is said of it.</summary>
/// <remarks>
/// Pure. The newest complete checkpoint decides; a journal that another life of the coordinator left does not count. What comes after the checkpoint is made again, with
/// the same bits.
/// </remarks>
internal static class ResumeDecision
{
    /// <summary>The point to go on from, or a sentence why this job cannot go on with that run.</summary>
    /// <param name="output">The output folder, for sentences.</param>
    /// <param name="jobHash">The job that was asked for.</param>
    /// <param name="totalSteps">Its steps.</param>
    /// <param name="history">What the folder holds.</param>
    public static (ResumePoint? Point, string? Refusal) Make(string output, string jobHash, ulong totalSteps, RunHistory history)
    {
        var written = history.Checkpoints.NewestManifest?.JobHash ?? history.PlannedJob ?? jobHash;
        if (written != jobHash)
        {
            return (null, $"The output folder {output} holds the run of another job (its hash is {Short(written)}, this job's {Short(jobHash)}: another model, other data or other numbers), "
                + "so it cannot go on with this one; give that job, or choose another output, or delete that run with --overwrite.");
        }

        if (history.FinishedJob == jobHash && history.FinishedStep == totalSteps)
        {
            var evaluations = history.Evaluations;
            return (new ResumePoint { Finished = true, FirstEvaluation = evaluations.Count > 0 ? evaluations[0] : null, LastEvaluation = evaluations.Count > 0 ? evaluations[^1] : null }, null);
        }

        var point = new ResumePoint { Checkpoint = history.Checkpoints.Newest };
        point.Damaged.AddRange(history.Checkpoints.Damaged);
        return (point, null);
    }

    /// <summary>Where the run goes on, in one sentence.</summary>
    public static string Sentence(ResumePoint point, ulong totalSteps) => point switch
    {
        { Finished: true } => $"The run is finished already, with all its {totalSteps} steps: nothing is left to do.",
        { Checkpoint: { } checkpoint } => $"The run goes on after step {checkpoint.Step} of {totalSteps}, from its checkpoint.",
        _ => "The run has no complete checkpoint, so it begins again at step 1.",
    };

    /// <summary>The same as findings for whoever watches, damaged checkpoints first.</summary>
    public static IEnumerable<string> Lines(ResumePoint point, ulong totalSteps) =>
        [.. point.Damaged.Select(damage => $"warning [damaged-checkpoint] {damage}"), $"info [resume] {Sentence(point, totalSteps)}"];

    /// <summary>Why workers of other classes do not serve a run that goes on.</summary>
    public static string ClassSentence(NumericClass required, IEnumerable<NumericClass> attached) =>
        $"The run was computed in numeric class {NumericClassText.Of(required)}, and here are only workers of {string.Join(", ", attached.Select(NumericClassText.Of).Distinct())}, whose results differ in their last bits; "
        + "go on where that class is to be had, or with allow_class_change: true, which gives up equal bits.";

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;
}
