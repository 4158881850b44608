namespace Orchestrator.Worker.Models;

/// <summary>The positions of a part that predict a label, in token order: position p predicts the label at p + 1 of its own sample.</summary>
internal sealed class LossTargets
{
    private LossTargets(long[] positions, int[] labels, int[] perSample)
    {
        (Positions, Labels, PerSample) = (positions, labels, perSample);
    }

    public long[] Positions { get; }

    public int[] Labels { get; }

    /// <summary>The positions, then the first again and again up to the rows that products have.</summary>
    public long[] PaddedPositions
    {
        get
        {
            var padded = new long[RowPadding.RowsOf(Count)];
            Positions.CopyTo(padded, 0);
            padded.AsSpan(Count).Fill(Positions[0]);
            return padded;
        }
    }

    /// <summary>Used labels of each sample.</summary>
    public int[] PerSample { get; }

    public int Count => Labels.Length;

    public static LossTargets Of(MicroBatchTokens part)
    {
        var positions = new List<long>();
        var labels = new List<int>();
        var perSample = new int[part.Lengths.Length];
        var start = 0;
        for (var sample = 0; sample < perSample.Length; sample++)
        {
            for (var i = start + 1; i < start + part.Lengths[sample]; i++)
            {
                if (part.Labels[i] != MicroBatchTokens.NoLabel)
                {
                    positions.Add(i - 1);
                    labels.Add(part.Labels[i]);
                    perSample[sample]++;
                }
            }

            start += part.Lengths[sample];
        }

        return new LossTargets([.. positions], [.. labels], perSample);
    }
}
