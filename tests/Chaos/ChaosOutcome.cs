namespace Orchestrator.Chaos;

/// <summary>What became of a disturbed run.</summary>
/// <param name="Job">The job.</param>
/// <param name="Faults">Those that were done.</param>
/// <param name="Missed">Signals that the run ended before.</param>
/// <param name="ExitCode">Of <c>train</c>.</param>
/// <param name="Lines">What it printed.</param>
/// <param name="Files">What it left.</param>
internal sealed record ChaosOutcome(ChaosJob Job, IReadOnlyList<DoneFault> Faults, int Missed, int ExitCode, IReadOnlyList<PrintedLine> Lines, RunFiles Files)
{
    /// <summary>What followed from each loss.</summary>
    public IReadOnlyList<RecoveryAccount> Recoveries() => RecoveryAccount.Of(Files.Events(), Faults);

    /// <summary>What it printed, as one text.</summary>
    public string Text => PrintedLine.Join(Lines);

    public int StepsRepeated => Files.Events().Sum(line => line.StepsRepeated);

    public double LostWorkerSeconds => Files.Events().Sum(line => line.LostWorkerSeconds);

    /// <summary>Everything in which the run is not what it would have been without faults; empty: nothing.</summary>
    public IReadOnlyList<string> Differences(RunFiles quiet)
    {
        if (ExitCode != 0)
        {
            return [$"it ended with {ExitCode}: {(Lines is [.., var last] ? last.Text : "")}"];
        }

        var differences = new List<string>();
        if (!Files.Adapter.AsSpan().SequenceEqual(quiet.Adapter))
        {
            differences.Add("the adapter has other bytes");
        }

        if (!Files.Steps().SequenceEqual(quiet.Steps()))
        {
            differences.Add($"metrics.jsonl has other steps, losses or norms: {FirstDifference(quiet)}");
        }

        if (!Files.Evaluations().SequenceEqual(quiet.Evaluations()))
        {
            differences.Add("metrics.jsonl has other evaluations");
        }

        if (Faults.Count == 0)
        {
            differences.Add("none of the faults could be done");
        }

        if (Job.Apart && Missed > 0)
        {
            differences.Add($"it ended before {Missed} of {Missed + Faults.Count} faults could be done");
        }

        differences.AddRange(RecoveryAccount.Problems(Recoveries()));
        return differences;
    }

    private string FirstDifference(RunFiles quiet)
    {
        var (own, others) = (Files.Steps(), quiet.Steps());
        int at = Enumerable.Range(0, Math.Max(own.Count, others.Count)).First(i => i >= own.Count || i >= others.Count || own[i] != others[i]);
        return $"line {at + 1} is {own.ElementAtOrDefault(at)} and not {others.ElementAtOrDefault(at)}";
    }
}
