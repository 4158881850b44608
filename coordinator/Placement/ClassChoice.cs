using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>The one numeric class that a job runs on, and the workers that have it.</summary>
/// <remarks>Bits differ between classes, so workers of several classes never serve one job. Not placed yet, a job goes where most workers are (then: the first attached).</remarks>
internal sealed record ClassChoice(NumericClass? Class, IReadOnlyList<CandidateWorker> Workers, string Reason, IReadOnlyList<Finding> Findings)
{
    public static ClassChoice Make(LayoutRequest request)
    {
        var groups = request.Workers.Where(worker => IsAllowed(request, worker.Class)).GroupBy(worker => worker.Class).OrderByDescending(group => group.Count()).ToList();
        var workers = groups.Count == 0 ? [] : groups[0].ToList();
        var findings = FindingsOf(request.Workers.Count - workers.Count);
        return groups.Count == 0 ? new ClassChoice(null, [], ReasonOf(request), findings) : new ClassChoice(groups[0].Key, workers, "", findings);
    }

    private static bool IsAllowed(LayoutRequest request, NumericClass candidate)
    {
        if (request.RequiredClass is { } required)
        {
            return required.Equals(candidate);
        }

        var resources = request.Job.Resources;
        return (resources.NumericClass is null || resources.NumericClass == candidate.InstructionPath)
            && (resources.ComputeThreads is null || resources.ComputeThreads == candidate.Threads);
    }

    private static IReadOnlyList<Finding> FindingsOf(int others) => others == 0
        ? []
        : [new Finding(FindingSeverity.Warning, "other-class", $"{others} attached {(others == 1 ? "worker is" : "workers are")} of another numeric class and cannot serve this job.")];

    private static string ReasonOf(LayoutRequest request)
    {
        var resources = request.Job.Resources;
        var wanted = request.RequiredClass is { } required ? $" of the job's numeric class {NumericClassText.Of(required)}"
            : (resources.NumericClass, resources.ComputeThreads) switch
            {
                (null, null) => "",
                ({ } name, null) => $" of numeric class {name}",
                (null, { } threads) => $" with {Sentence.Count(threads, "compute thread")}",
                ({ } name, { } threads) => $" of numeric class {name} with {Sentence.Count(threads, "compute thread")}",
            };
        var attached = request.Workers.Count == 0 ? "none is attached" : $"the attached ones are of {string.Join(", ", request.Workers.Select(worker => NumericClassText.Of(worker.Class)).Distinct())}";
        return $"The job waits for a worker{wanted}; {attached}.";
    }
}
