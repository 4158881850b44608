using Orchestrator.Protos;

namespace Orchestrator.Simulation;

/// <summary>What a worker's computation comes to: chunk sums of its layers, losses of its micro-batches where it has the last layer.</summary>
internal static class SimulatedVotes
{
    /// <param name="generation">The worker's generation.</param>
    /// <param name="state">Its layers before the step.</param>
    /// <param name="step">The step.</param>
    /// <param name="truth">How gradients follow from states.</param>
    public static StepVote OfStep(SimulatedGeneration generation, IReadOnlyDictionary<uint, ulong> state, Step step, Truth truth)
    {
        var stage = generation.Stage;
        var vote = new StepVote { Scope = generation.Scope, Step = step.Number, Rank = generation.Rank };
        foreach (var module in stage.Adapter)
        {
            for (var chunk = module.FirstChunk; chunk < module.FirstChunk + 2; chunk++)
            {
                if (chunk % stage.NumReplicas == stage.Place.Replica)
                    vote.ChunkSums.Add(new ChunkSum { Chunk = chunk, SumOfSquares = truth.SquaresOf(state[module.Layer], chunk, step.Number) });
            }
        }

        if (stage.Head)
        {
            for (var i = stage.Place.Replica; i < step.MicroBatches.Count; i += stage.NumReplicas)
                vote.Losses.Add(Truth.LossOf(state[stage.LastLayer], step, i));
        }

        vote.AllFinite = vote.ChunkSums.All(sum => double.IsFinite(sum.SumOfSquares));
        return vote;
    }

    /// <param name="generation">The worker's generation.</param>
    /// <param name="state">Its layers after the step.</param>
    /// <param name="step">The step whose state is evaluated.</param>
    /// <param name="evaluation">The split, cut.</param>
    public static StepVote OfEvaluation(SimulatedGeneration generation, IReadOnlyDictionary<uint, ulong> state, ulong step, IReadOnlyList<MicroBatch> evaluation)
    {
        var stage = generation.Stage;
        var vote = new StepVote { Scope = generation.Scope, Step = step, Rank = generation.Rank, AllFinite = true, Evaluation = true };
        if (stage.Head)
        {
            foreach (var microBatch in evaluation.Where((_, i) => i % stage.NumReplicas == stage.Place.Replica))
                vote.SampleLosses.AddRange(microBatch.Samples.Select(sample => Truth.SampleLossOf(state[stage.LastLayer], sample)));
        }

        return vote;
    }
}
