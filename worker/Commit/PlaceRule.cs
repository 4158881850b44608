using Orchestrator.Protos;

namespace Orchestrator.Worker.Commit;

/// <summary>Whether a worker has a place in a generation that starts, or only hands states over. Pure.</summary>
internal static class PlaceRule
{
    /// <summary>Whether a rank is one of the layout's, which come first.</summary>
    public static bool HasAPlace(StartGeneration command, uint rank) => rank < PlacesOf(command);

    /// <summary>Holds what is loaded against the place that a worker is to take.</summary>
    /// <param name="loaded">The loaded stage; null: none is.</param>
    /// <param name="command">The generation.</param>
    /// <param name="rank">This worker's in it.</param>
    /// <exception cref="InvalidOperationException">Nothing is loaded, or what is loaded is for another place.</exception>
    public static void Check(StageSpec? loaded, StartGeneration command, uint rank)
    {
        if (loaded is null)
            throw new InvalidOperationException($"the generation starts with rank {rank} here, but no stage is loaded");
        var place = (loaded.Place.Replica * loaded.NumStages) + loaded.Place.Stage;
        if (place != rank || loaded.NumReplicas * loaded.NumStages != PlacesOf(command))
            throw new InvalidOperationException($"the generation's {PlacesOf(command)} places do not fit a layout of {loaded.NumReplicas} x {loaded.NumStages} with rank {place} here: this worker is told to be rank {rank}");
    }

    private static uint PlacesOf(StartGeneration command) => command.NumPlaces > 0 ? command.NumPlaces : (uint)command.Peers.Count;
}
