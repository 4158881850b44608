namespace Orchestrator.Coordinator.Datasets;

/// <summary>What preflight must know of all samples, those that are left out too.</summary>
/// <remarks>For one thread at a time; sums over parts do not depend on the cut.</remarks>
internal sealed class SampleStatistics
{
    /// <summary>Stretches of tokens that carry loss, of formats where such a stretch is an answer or ends with one.</summary>
    public long Turns { get; set; }

    /// <summary>Those after which the end token follows, but without loss.</summary>
    public long EndsWithoutLoss { get; set; }

    /// <summary>The first such end token.</summary>
    public int? UnlearnedEnd { get; set; }

    /// <summary>Those that no end token ends.</summary>
    public long TurnsWithoutEnd { get; set; }

    /// <summary>How many stretches each end token ends.</summary>
    public Dictionary<int, long> EndTokens { get; init; } = [];

    /// <summary>The largest id of all; -1: there is no token.</summary>
    public int MaxId { get; set; } = -1;

    /// <summary>Tokens of the longest sample before anything was cut, and its place.</summary>
    public int Longest { get; set; }

    public RecordPlace LongestPlace { get; set; }

    public void Merge(SampleStatistics later)
    {
        Turns += later.Turns;
        EndsWithoutLoss += later.EndsWithoutLoss;
        UnlearnedEnd ??= later.UnlearnedEnd;
        TurnsWithoutEnd += later.TurnsWithoutEnd;
        foreach (var (token, count) in later.EndTokens)
        {
            EndTokens[token] = EndTokens.GetValueOrDefault(token) + count;
        }

        MaxId = Math.Max(MaxId, later.MaxId);
        if (later.Longest > Longest)
        {
            (Longest, LongestPlace) = (later.Longest, later.LongestPlace);
        }
    }

    public void Clear()
    {
        (Turns, EndsWithoutLoss, UnlearnedEnd, TurnsWithoutEnd, MaxId, Longest) = (0, 0, null, 0, -1, 0);
        EndTokens.Clear();
    }
}
