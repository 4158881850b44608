using Orchestrator.Protos;

namespace Orchestrator.Worker.Commit;

/// <summary>Whether a worker has a place in a generation that starts, or only hands states over. Pure.</summary>
internal static class PlaceRule
{
    /// <summary>Whoever has a place was told to load it, in this generation or, preloaded, in the one before.</summary>
    /// <param name="loaded">The loaded stage; null: none is.</param>
    /// <param name="loadedGeneration">In whose name it was loaded.</param>
    /// <param name="generation">The one that starts.</param>
    /// <param name="hasRun">Whether this worker has run steps of the job.</param>
    /// <param name="rank">This worker's in the generation.</param>
    /// <param name="numPeers">Workers of the generation, those that only give included.</param>
    /// <exception cref="InvalidOperationException">It was loaded for this generation, as another rank.</exception>
    public static bool HasAPlace(StageSpec? loaded, ulong loadedGeneration, ulong generation, bool hasRun, uint rank, int numPeers)
    {
        if (loaded is null)
            return false;
        var place = (loaded.Place.Replica * loaded.NumStages) + loaded.Place.Stage;
        var fits = place == rank && numPeers >= loaded.NumReplicas * loaded.NumStages;
        if (loadedGeneration != generation)
            return !hasRun && fits;
        return fits
            ? true
            : throw new InvalidOperationException($"the generation's {numPeers} peers do not fit a layout of {loaded.NumReplicas} x {loaded.NumStages} with rank {place} here: this worker is told to be rank {rank}");
    }
}
