namespace Orchestrator.Worker.Stages;

/// <summary>A step's schedule of one stage, as data: what it does in which order.</summary>
/// <remarks>
/// One forward, one backward, backward first: a stage runs ahead until the first gradient can come back, then does a backward whenever one is due.
/// <code>
/// 4 stages, 4 micro-batches        time →
/// stage 0   F0 F1 F2 F3 .. .. .. B0 .. B1 .. B2 .. B3
/// stage 1      F0 F1 F2 .. .. B0 F3 B1 .. B2 .. B3
/// stage 2         F0 F1 .. B0 F2 B1 F3 B2 .. B3
/// stage 3            F0 B0 F1 B1 F2 B2 F3 B3
/// </code>
/// Backwards come in micro-batch order, and a stage holds at most (stages - stage) micro-batches at once. Pure.
/// </remarks>
internal static class PipelineSchedule
{
    /// <param name="stage">The stage, from 0.</param>
    /// <param name="numStages">Stages of the pipeline.</param>
    /// <param name="microBatches">Micro-batches that the replica runs in the step; 0: it only votes.</param>
    public static IReadOnlyList<PipelineAction> OneForwardOneBackward(int stage, int numStages, int microBatches)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stage, numStages);
        var ahead = Math.Min(numStages - stage, microBatches);
        var actions = new List<PipelineAction>(2 * microBatches);
        for (var i = 0; i < ahead; i++)
            actions.Add(PipelineAction.Forward(i));
        for (var i = 0; i < microBatches; i++)
        {
            actions.Add(PipelineAction.Backward(i));
            if (i + ahead < microBatches)
                actions.Add(PipelineAction.Forward(i + ahead));
        }

        return actions;
    }

    public static string Print(IEnumerable<PipelineAction> actions) => string.Join(' ', actions);

    /// <summary>Reads what <see cref="Print"/> prints.</summary>
    public static IReadOnlyList<PipelineAction> Parse(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(action => PipelineAction.Parse(action))];
}
