using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>How a data set is scored: neighbouring samples share a micro-batch where packing is on, so results come in the file's order.</summary>
/// <remarks>Pure.</remarks>
internal sealed record ScorePlan(IReadOnlyList<MicroBatch> MicroBatches, int MaxTokens)
{
    private const int BudgetTokens = 2_048;

    public static ScorePlan Create(IReadOnlyList<int> lengths, bool packing)
    {
        List<MicroBatch> batches = [];
        var (tokens, most) = (0, 0);
        for (var sample = 0; sample < lengths.Count; sample++)
        {
            if (batches.Count == 0 || !packing || tokens + lengths[sample] > BudgetTokens)
            {
                batches.Add(new MicroBatch { Packed = packing });
                tokens = 0;
            }

            batches[^1].Samples.Add((uint)sample);
            tokens += lengths[sample];
            most = Math.Max(most, tokens);
        }

        return new ScorePlan(batches, most);
    }
}
