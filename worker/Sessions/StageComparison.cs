using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>Whether what is loaded is what a command asks for. Pure.</summary>
internal static class StageComparison
{
    /// <summary>Whether two stages differ in nothing but their place and the layout's size.</summary>
    public static bool IsSame(StageSpec one, StageSpec other)
    {
        static StageSpec Anywhere(StageSpec spec)
        {
            var copy = spec.Clone();
            (copy.Place, copy.NumReplicas, copy.NumStages) = (null, 0, 0);
            return copy;
        }

        return Anywhere(one).Equals(Anywhere(other));
    }
}
