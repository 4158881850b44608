using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Adds the evaluation's losses, sample by sample.</summary>
internal static class EvaluationLoss
{
    /// <summary>The token-mean loss once every sample is covered; null while samples are missing.</summary>
    /// <remarks>Pure. Samples are added in index order in fp64: no layout can change the sum.</remarks>
    public static (double? Loss, ulong LabelTokens, string? Problem) Combine(IEnumerable<EvaluationReport> reports, int expectedSamples)
    {
        var losses = new SortedDictionary<uint, SampleLoss>();
        foreach (var loss in reports.SelectMany(report => report.Losses))
        {
            if (!losses.TryAdd(loss.Sample, loss) && !losses[loss.Sample].Equals(loss))
            {
                return (null, 0, $"nondeterminism detected: two workers report different losses of evaluation sample {loss.Sample}.");
            }
        }

        if (losses.Count < expectedSamples)
        {
            return (null, 0, null);
        }

        var sum = 0.0;
        var labelTokens = 0UL;
        foreach (var loss in losses.Values)
        {
            sum += loss.LossSum;
            labelTokens += loss.LabelTokens;
        }

        return (sum / labelTokens, labelTokens, null);
    }
}
