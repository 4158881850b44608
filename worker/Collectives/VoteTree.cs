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
            if (child.Step != own.Step || child.Evaluation != own.Evaluation || child.Scope.Job != own.Scope.Job || child.Scope.Generation != own.Scope.Generation)
                throw new InvalidOperationException($"a vote on step {child.Step} of generation {child.Scope.Generation} was taken for step {own.Step} of generation {own.Scope.Generation}");
            merged.AllFinite &= child.AllFinite;
            merged.ChunkSums.AddRange(child.ChunkSums);
            merged.Losses.AddRange(child.Losses);
            merged.SampleLosses.AddRange(child.SampleLosses);
        }

        return merged;
    }

    /// <summary>The verdict on the votes of all ranks: apply if everything is finite; the gradient's norm before clipping, rounded once to fp32.</summary>
    /// <param name="all">The merged votes.</param>
    /// <param name="numChunks">Chunks of the job, all stages together.</param>
    /// <param name="numMicroBatches">Micro-batches of the step.</param>
    /// <exception cref="InvalidOperationException">A chunk or a micro-batch is missing or came twice: the workers do not agree on who owns what.</exception>
    public static StepVerdict Decide(StepVote all, uint numChunks, int numMicroBatches)
    {
        MicroBatchLoss[] losses = [.. all.Losses.OrderBy(loss => loss.MicroBatch)];
        if (losses.Length != numMicroBatches || losses.Where((loss, i) => loss.MicroBatch != i).Any())
            throw new InvalidOperationException($"step {all.Step}: the votes hold the losses of {losses.Length} micro-batches where the step has {numMicroBatches}, or one of them twice");
        var norm = (double)(float)Math.Sqrt(Total(all, numChunks));
        var apply = all.AllFinite && double.IsFinite(norm);
        return new StepVerdict { Scope = all.Scope, Step = all.Step, Apply = apply, GradNorm = apply ? norm : 0, Losses = { losses } };
    }

    /// <summary>The verdict on an evaluation: the losses of all samples, in their order.</summary>
    /// <param name="all">The merged votes.</param>
    /// <param name="numSamples">Samples of the split.</param>
    /// <exception cref="InvalidOperationException">A sample is missing or came twice.</exception>
    public static StepVerdict DecideEvaluation(StepVote all, int numSamples)
    {
        SampleLoss[] losses = [.. all.SampleLosses.OrderBy(loss => loss.Sample)];
        if (losses.Length != numSamples || losses.Zip(losses.Skip(1)).Any(pair => pair.First.Sample == pair.Second.Sample))
            throw new InvalidOperationException($"the evaluation after step {all.Step}: the votes hold the losses of {losses.Length} samples where the split has {numSamples}, or one of them twice");
        return new StepVerdict { Scope = all.Scope, Step = all.Step, Evaluation = true, SampleLosses = { losses } };
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
