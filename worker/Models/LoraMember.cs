namespace Orchestrator.Worker.Models;

/// <summary>One pair of a group.</summary>
/// <param name="Pair">The pair.</param>
/// <param name="Place">Where its B begins in the block diagonal of all: its first row of the group's output, and its first rank.</param>
internal readonly record struct LoraMember(LoraPair Pair, BlockPlace Place)
{
    /// <summary>The pairs of a group's adapted layers, in order.</summary>
    public static LoraMember[] Of(IReadOnlyList<ProjectionPart> parts)
    {
        var members = new List<LoraMember>();
        var (row, rank) = (0L, 0L);
        foreach (var part in parts)
        {
            if (part.Lora is { } pair)
            {
                members.Add(new LoraMember(pair, new BlockPlace(row, rank)));
                rank += pair.Rank;
            }

            row += part.Weight.Rows;
        }

        return [.. members];
    }
}
