using Orchestrator.Protos;

namespace Orchestrator.Worker.Collectives;

/// <summary>The decisions of a step's vote: what votes add up to, what the verdict is.</summary>
/// <remarks>
/// Votes travel up the tree of ranks, each merged with those of its subtree; rank 0 adds the chunk sums in the job's chunk order in fp64, so the norm
/// depends on no layout; the verdict travels down unchanged. Pure.
/// </remarks>
internal static class VoteTree
{
    /// <summary>One worker's vote with those of its subtree merged in.</summary>
    public static StepVote Merge(StepVote own, IEnumerable<StepVote> children)
    {
        var merged = own.Clone();
        foreach (var child in children)
        {
            if (child.Step != own.Step || child.Scope.Job != own.Scope.Job || child.Scope.Generation != own.Scope.Generation)
                throw new InvalidOperationException($"a vote on step {child.Step} of generation {child.Scope.Generation} was taken for step {own.Step} of generation {own.Scope.Generation}");
            merged.AllFinite &= child.AllFinite;
            merged.ChunkSums.AddRange(child.ChunkSums);
        }

        return merged;
    }

    /// <summary>The verdict on the votes of all ranks: apply if everything is finite; the gradient's norm before clipping, rounded once to fp32.</summary>
    /// <param name="all">The merged votes.</param>
    /// <param name="numChunks">Chunks of the job, all stages together.</param>
    /// <exception cref="InvalidOperationException">A chunk is missing or was summed twice: the workers do not agree on who owns what.</exception>
    public static StepVerdict Decide(StepVote all, uint numChunks)
    {
        var norm = (double)(float)Math.Sqrt(Total(all, numChunks));
        var apply = all.AllFinite && double.IsFinite(norm);
        return new StepVerdict { Scope = all.Scope, Step = all.Step, Apply = apply, GradNorm = apply ? norm : 0 };
    }

    /// <summary>The sum of all squares: the chunk sums added one after the other in fp64, from the job's first chunk to its last.</summary>
    /// <param name="all">The merged votes, their chunks in any order.</param>
    /// <param name="numChunks">Chunks of the job, all stages together.</param>
    /// <exception cref="InvalidOperationException">Not every chunk of the job is there exactly once.</exception>
    public static double Total(StepVote all, uint numChunks)
    {
        var sums = all.ChunkSums.OrderBy(sum => sum.Chunk).ToArray();
        if (sums.Length != numChunks)
            throw new InvalidOperationException($"step {all.Step}: the votes hold {sums.Length} chunk sums where the job has {numChunks} chunks");
        double total = 0;
        for (var i = 0; i < sums.Length; i++)
        {
            if (sums[i].Chunk != i)
                throw new InvalidOperationException($"step {all.Step}: the votes hold chunk {sums[i].Chunk} where chunk {i} was due");
            total += sums[i].SumOfSquares;
        }

        return total;
    }
}
