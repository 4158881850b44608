using System.Collections.Immutable;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Who takes which place when the members of a job change.</summary>
/// <param name="Ranks">The places by rank; null: there is no layout for these workers now.</param>
/// <param name="NumReplicas">Pipelines.</param>
/// <param name="NumStages">Stages of each.</param>
/// <param name="Waits">Another worker may come, and it is worth waiting for it a little.</param>
/// <param name="Reason">One sentence.</param>
/// <remarks>Pure: the same workers in the same order give the same places.</remarks>
internal sealed record RecoveryLayout(ImmutableArray<RankPlacement>? Ranks, int NumReplicas, int NumStages, bool Waits, string Reason)
{
    /// <summary>Lays the job over the workers: as it was first placed, else with fewer replicas, else with fewer stages.</summary>
    /// <param name="target">The layout of the first placement.</param>
    /// <param name="workers">Workers of the job's class in order of preference: those that had a place first.</param>
    /// <param name="mayCome">Whether another worker may come at all.</param>
    /// <param name="patienceOver">Whether it was waited for long enough already.</param>
    public static RecoveryLayout Plan(LayoutTarget target, IReadOnlyList<RecoveryCandidate> workers, bool mayCome, bool patienceOver)
    {
        if (workers.Count == 0)
        {
            return new(null, 0, 0, false, "The job waits for a worker of its numeric class; none is left.");
        }

        if (workers.Count >= target.NumStages)
        {
            return Laid(Math.Min(target.Replicas, workers.Count / target.NumStages), target.Layers, workers);
        }

        return mayCome && !patienceOver
            ? new(null, 0, 0, true, $"The job waits for another worker: {Sentence.Count(target.NumStages, "stage")} had a worker each, and {Sentence.Count(workers.Count, "worker")} {(workers.Count == 1 ? "is" : "are")} left.")
            : Laid(1, Even(target.NumLayers, workers.Count), workers);
    }

    private static ValueList<int> Even(int numLayers, int stages) => [.. LayoutPlanner.LayersOf(new LayoutSpec { Replicas = 1, Stages = stages }, numLayers)];

    private static RecoveryLayout Laid(int replicas, ValueList<int> layers, IReadOnlyList<RecoveryCandidate> workers)
    {
        var places = Places(replicas, layers);
        var taken = new RankPlacement?[places.Count];
        var free = workers.ToList();
        // Where a worker stays, its loaded stage and its state stay, too: in its own place, else in one of the same layers.
        Assign(places, taken, free, (place, old) => (old.Replica, old.Stage, old.FirstLayer, old.LastLayer) == (place.Replica, place.Stage, place.FirstLayer, place.LastLayer));
        Assign(places, taken, free, (place, old) => (old.FirstLayer, old.LastLayer) == (place.FirstLayer, place.LastLayer));
        for (var rank = 0; rank < taken.Length; rank++)
        {
            if (taken[rank] is null)
            {
                taken[rank] = places[rank] with { Worker = free[0].Worker };
                free.RemoveAt(0);
            }
        }

        var reason = $"{Sentence.Count(replicas, "replica")} of {Sentence.Count(layers.Count, "stage")} on {Sentence.Count(taken.Length, "worker")}.";
        return new([.. taken.OfType<RankPlacement>()], replicas, layers.Count, false, reason);
    }

    private static List<RankPlacement> Places(int replicas, ValueList<int> layers)
    {
        var places = new List<RankPlacement>();
        for (var replica = 0; replica < replicas; replica++)
        {
            var first = 0;
            for (var stage = 0; stage < layers.Count; stage++)
            {
                places.Add(new RankPlacement(places.Count, replica, stage, default, first, first + layers[stage] - 1));
                first += layers[stage];
            }
        }

        return places;
    }

    private static void Assign(List<RankPlacement> places, RankPlacement?[] taken, List<RecoveryCandidate> free, Func<RankPlacement, RankPlacement, bool> fits)
    {
        for (var rank = 0; rank < taken.Length; rank++)
        {
            if (taken[rank] is null && free.FindIndex(worker => worker.Place is { } old && fits(places[rank], old)) is var found and >= 0)
            {
                taken[rank] = places[rank] with { Worker = free[found].Worker };
                free.RemoveAt(found);
            }
        }
    }
}
