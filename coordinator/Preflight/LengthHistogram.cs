namespace Orchestrator.Coordinator.Preflight;

/// <summary>How many samples are how long: ranges between powers of two, two a doubling, without empty ones at either end.</summary>
/// <param name="Ranges">In ascending order.</param>
internal sealed record LengthHistogram(IReadOnlyList<LengthRange> Ranges)
{
    public static LengthHistogram Of(IReadOnlyList<int> lengths)
    {
        var counts = new SortedDictionary<int, long>();
        foreach (var length in lengths)
        {
            var from = StartOf(length);
            counts[from] = counts.GetValueOrDefault(from) + 1;
        }

        var ranges = new List<LengthRange>();
        for (var from = counts.Keys.FirstOrDefault(); counts.Count > 0 && from <= counts.Keys.Last(); from = Next(from))
        {
            ranges.Add(new LengthRange(from, Next(from) - 1, counts.GetValueOrDefault(from)));
        }

        return new LengthHistogram(ranges);
    }

    // 1, 2, 3, 4, 6, 8, 12, 16, 24, ...
    private static int StartOf(int length)
    {
        var power = 1 << (31 - int.LeadingZeroCount(Math.Max(1, length)));
        var half = power + (power / 2);
        return power > 1 && length >= half ? half : power;
    }

    private static int Next(int from)
    {
        var power = 1 << (31 - int.LeadingZeroCount(from));
        return from == power && power > 1 ? power + (power / 2) : (int)Math.Min(int.MaxValue, 2L * power);
    }
}
