using Orchestrator.Protos;

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

/// <summary>One split: a content-addressed blob ("offsets" i64[n + 1], "input_ids" i32[total], "labels" i32[total]) and its lengths.</summary>
internal sealed record PreparedSplit
{
    public required ShardRef Shard { get; init; }

    /// <summary>Tokens of each sample, after truncation.</summary>
    public required int[] Lengths { get; init; }

    /// <summary>Used labels of each sample: those that have a position before them in the sample.</summary>
    public required int[] LabelCounts { get; init; }

    /// <summary>The blob's file, absolute.</summary>
    public required string Path { get; init; }

    /// <summary>Rows read, dropped (too long), truncated, and dropped for want of a label.</summary>
    public SplitCounts Counts { get; init; } = new(0, 0, 0, 0);
}

/// <summary>What became of the rows of a split's files.</summary>
internal sealed record SplitCounts(long Rows, long DroppedTooLong, long Truncated, long DroppedUnlabelled)
{
    public SplitCounts Plus(SplitCounts other) =>
        new(Rows + other.Rows, DroppedTooLong + other.DroppedTooLong, Truncated + other.Truncated, DroppedUnlabelled + other.DroppedUnlabelled);
}

/// <summary>How far the reading of a split is.</summary>
/// <param name="File">The file that is being read.</param>
/// <param name="Rows">Rows of all the split's files so far.</param>
/// <param name="BytesRead">Bytes of all the split's files that are done with.</param>
/// <param name="TotalBytes">Bytes of all the split's files.</param>
internal sealed record DatasetProgress(string File, long Rows, long BytesRead, long TotalBytes);
