namespace Orchestrator.Coordinator.Datasets;

/// <summary>A job's data as workers get it: token shards on disk and what the planner must know of every sample.</summary>
internal sealed record PreparedDataset(PreparedSplit Train, PreparedSplit? Eval)
{
    /// <summary>What was found in the rows of data.train; null for data that was made otherwise.</summary>
    public PreparationReport? TrainReport { get; init; }

    /// <summary>What was found in the rows of data.eval; null where the evaluation split was held out of data.train, or there is none.</summary>
    public PreparationReport? EvalReport { get; init; }

    /// <summary>The tokenizer and template that made it; null where every row brought its ids.</summary>
    public ModelText? Text { get; init; }
}
