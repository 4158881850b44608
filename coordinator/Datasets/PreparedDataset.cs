using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A job's data as workers get it: token shards on disk and what the planner must know of every sample.</summary>
internal sealed record PreparedDataset(PreparedSplit Train, PreparedSplit? Eval);

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
    /// <summary>A sentence for each thing that was left out or cut.</summary>
    /// <param name="source">The key that names the files, e.g. <c>data.train</c>.</param>
    public IEnumerable<string> Losses(string source)
    {
        if (DroppedTooLong > 0)
        {
            yield return $"{source}: {DroppedTooLong} of {Rows} rows are left out, for they are longer than data.max_length.";
        }

        if (Truncated > 0)
        {
            yield return $"{source}: {Truncated} of {Rows} rows are cut to data.max_length.";
        }

        if (DroppedUnlabelled > 0)
        {
            yield return $"{source}: {DroppedUnlabelled} of {Rows} rows are left out, for they have no label token.";
        }
    }
}

/// <summary>How far preparation is: rows and bytes of all files of the split.</summary>
internal sealed record DatasetProgress(string File, long Rows, long BytesRead, long TotalBytes);
