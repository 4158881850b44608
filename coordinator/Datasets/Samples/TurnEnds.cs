using System.Collections.Concurrent;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Looks at how the learned stretches of samples end: a model learns to stop only from an end token that carries loss.</summary>
/// <remarks>Immutable but for a cache; safe for concurrent use.</remarks>
internal sealed class TurnEnds(Func<int, bool> isEnd, Func<int, string> textOf)
{
    private const int MaxSpaceTokens = 8;

    private readonly ConcurrentDictionary<int, bool> _isSpace = new();

    /// <summary>Adds the stretches of a sample.</summary>
    public void Observe(int[] ids, int[] labels, SampleStatistics statistics)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] != TokensRow.NoLoss && (i + 1 == labels.Length || labels[i + 1] == TokensRow.NoLoss))
            {
                ObserveEnd(ids, labels, i, statistics);
            }
        }
    }

    private void ObserveEnd(int[] ids, int[] labels, int last, SampleStatistics statistics)
    {
        statistics.Turns++;
        var at = last;
        while (at > 0 && last - at < MaxSpaceTokens && labels[at - 1] != TokensRow.NoLoss && !isEnd(ids[at]) && IsSpace(ids[at]))
        {
            at--;
        }

        if (isEnd(ids[at]))
        {
            statistics.EndTokens[ids[at]] = statistics.EndTokens.GetValueOrDefault(ids[at]) + 1;
        }
        else if (last + 1 < ids.Length && isEnd(ids[last + 1]))
        {
            statistics.EndsWithoutLoss++;
            statistics.UnlearnedEnd ??= ids[last + 1];
        }
        else
        {
            statistics.TurnsWithoutEnd++;
        }
    }

    private bool IsSpace(int id) => _isSpace.GetOrAdd(id, token => string.IsNullOrWhiteSpace(textOf(token)));
}
