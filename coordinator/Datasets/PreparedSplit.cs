using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Datasets;

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
